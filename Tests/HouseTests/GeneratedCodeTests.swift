import Foundation
import Testing

@Suite("Generated code")
struct GeneratedCodeTests {
    private static let hasCompiler = ["/usr/bin", "/usr/local/bin"].contains {
        FileManager.default.isExecutableFile(atPath: $0 + "/protoc-c")
    }

    @Test("Sources/CWire is what protoc-c makes of Protos", .enabled(if: hasCompiler))
    func matchesProtos() throws {
        let process = Process()
        process.executableURL = Repository.top.appending(path: "scripts/protos.sh")
        process.arguments = ["--check"]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(String(decoding: text, as: UTF8.self))")
    }

    @Test("Every .proto file has its generated pair")
    func everyFile() throws {
        let names = try Repository.paths { $0.hasPrefix("Protos/") && $0.hasSuffix(".proto") }
            .compactMap { $0.split(separator: "/").last?.dropLast(".proto".count) }
        let generated = try Repository.paths { $0.hasPrefix("Sources/CWire/") }
        #expect(!names.isEmpty)
        for name in names {
            for ending in [".pb-c.c", ".pb-c.h"] {
                #expect(generated.contains { $0.hasSuffix("/\(name)\(ending)") })
            }
        }
    }
}
