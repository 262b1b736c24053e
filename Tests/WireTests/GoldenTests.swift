import ClusterTesting
import Foundation
import Model
import Testing
import Wire

/// The bytes of protocol version 1, which other builds of it rely on: one line per message, in the
/// order of the envelopes, with its frames in hexadecimal.
///
/// `MOIETY_WRITE_GOLDENS=1 swift test …` writes them anew; a reviewer reads the difference.
@Suite(.serialized) struct GoldenTests {
    private static let fixture = URL(filePath: #filePath)
        .deletingLastPathComponent()
        .appending(path: "Fixtures/messages-v1.txt")

    @Test("Messages have the bytes that version 1 says")
    func goldens() throws {
        var random = SeededRandom(seed: 6644)
        let lines = encodedMessages(using: &random).map { message in
            ([message.socket.rawValue] + message.frames.map(hexadecimal)).joined(separator: " ")
        }
        if ProcessInfo.processInfo.environment["MOIETY_WRITE_GOLDENS"] == "1" {
            let text = lines.joined(separator: "\n") + "\n"
            try text.write(to: Self.fixture, atomically: true, encoding: .utf8)
        }
        let golden = try Self.goldenLines()
        #expect(golden.count == lines.count)
        for (line, expected) in zip(lines, golden) { #expect(line == expected) }
    }

    @Test("The bytes of version 1 can be read, all of them")
    func reading() throws {
        for line in try Self.goldenLines() {
            let words = line.split(separator: " ").map(String.init)
            let socket = try #require(WireSocket(rawValue: words[0]))
            #expect(socket.reads(try words.dropFirst().map(bytes)), "\(line)")
        }
    }

    private static func goldenLines() throws -> [String] {
        let text = try String(contentsOf: fixture, encoding: .utf8)
        return text.split(separator: "\n").map(String.init)
    }

    /// A frame as the fixture has it; `-` where it is empty.
    private func hexadecimal(_ frame: [UInt8]) -> String {
        frame.isEmpty ? "-" : frame.map { String(format: "%02x", $0) }.joined()
    }

    private func bytes(_ word: String) throws -> [UInt8] {
        guard word != "-" else { return [] }
        let digits = Array(word.utf8)
        return try stride(from: 0, to: digits.count, by: 2).map { place in
            let pair = String(decoding: digits[place..<place + 2], as: UTF8.self)
            return try #require(UInt8(pair, radix: 16))
        }
    }
}
