import ClusterTesting
import Foundation
import Fuzzing
import Model
import Testing

/// What the fuzzers have found worth keeping, run as plain tests.
///
/// `MOIETY_WRITE_GOLDENS=1 swift test …` writes the inputs that fuzzing starts from; `make fuzz`
/// adds to them.
@Suite("The fuzzers' inputs", .serialized) struct CorpusTests {
    @Test("The inputs to start from are there")
    func seeds() throws {
        let seeds =
            try Self.modelSeeds() + Self.messageSeeds() + RequestSeeds.all() + ChatSeeds.all()
        if ProcessInfo.processInfo.environment["MOIETY_WRITE_GOLDENS"] == "1" {
            for seed in seeds { try Corpus.write(seed.bytes, as: seed.name, of: seed.fuzzer) }
        }
        for fuzzer in Corpus.fuzzers {
            // Older ones are as good to start from, so they need not be the same.
            let names = Set(try Corpus.inputs(of: fuzzer).map(\.name))
            let count = seeds.count { $0.fuzzer == fuzzer }
            #expect(count > 0 && names.count >= count)
        }
    }

    @Test("Every kept model file is refused or used")
    func models() throws {
        let probe = ModelProbe()
        let scratch = try ScratchFile()
        for input in try Corpus.inputs(of: "gguf") {
            try scratch.write(input.bytes)
            let outcome = probe.outcome(ofFileAt: scratch.path)
            if input.name.hasPrefix("seed") { #expect(outcome == .computed(isFinite: true)) }
        }
    }

    @Test("Every kept message and plan is refused, or read and sent as it is")
    func messages() throws {
        let probe = MessageProbe()
        for input in try Corpus.inputs(of: "wire") {
            guard case .changed(let how) = probe.outcome(of: input.bytes) else { continue }
            Issue.record("\(input.name): \(how)")
        }
    }

    @Test("Every kept request is refused, or understood as it should be")
    func requests() throws {
        let probe = try RequestProbe()
        for input in try Corpus.inputs(of: "http") {
            let outcome = probe.outcome(of: input.bytes)
            if case .changed(let how) = outcome { Issue.record("\(input.name): \(how)") }
            if input.name.hasPrefix("seed") { #expect(outcome == .read, "\(input.name)") }
        }
    }

    @Test("Every kept chat template is refused, or gives one text")
    func chats() throws {
        let probe = ChatProbe()
        for input in try Corpus.inputs(of: "templates") {
            let outcome = probe.outcome(of: input.bytes)
            if case .changed(let how) = outcome { Issue.record("\(input.name): \(how)") }
            if input.name.hasPrefix("seed") { #expect(outcome == .read, "\(input.name)") }
        }
    }

    @Test("The inputs are few and small", arguments: Corpus.fuzzers)
    func size(fuzzer: String) throws {
        let inputs = try Corpus.inputs(of: fuzzer)
        #expect(inputs.map(\.bytes.count).reduce(0, +) < 200 << 10)
    }

    // MARK: Seeds

    /// The smallest model of each family.
    private static func modelSeeds() throws -> [Seed] {
        try Architecture.known.map { family in
            Seed(
                fuzzer: "gguf",
                name: "seed-\(family.name)",
                bytes: try ValidFile(TinyModel.smallest(of: family)).bytes
            )
        }
    }

    /// The messages whose bytes version 1 of the protocol promises, and a plan.
    private static func messageSeeds() throws -> [Seed] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "WireTests/Fixtures/messages-v1.txt")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        var seeds = lines.enumerated().map { index, line in
            let words = line.split(separator: " ")
            let kind: MessageProbe.Kind =
                switch words[0] {
                case "control": .control
                case "data": .data
                default: .client
                }
            return Seed(
                fuzzer: "wire",
                name: "seed-\(index)",
                bytes: MessageProbe.input(kind, frames: words.dropFirst().map(bytes))
            )
        }
        let plan = """
            {"epoch":1,"workers":["a","b"],
            "layers":[[0,{"replicas":[0,1]},{"shards":[{"worker":0,"from":0,"to":32}]}]]}
            """
        seeds.append(
            Seed(
                fuzzer: "wire",
                name: "seed-plan",
                bytes: MessageProbe.input(.plan, frames: [Array(plan.utf8)])
            )
        )
        return seeds
    }

    /// A frame as the fixture has it; `-` where it is empty.
    private static func bytes(_ word: Substring) -> [UInt8] {
        guard word != "-" else { return [] }
        let digits = word.utf8.map { UInt8(Character(Unicode.Scalar($0)).hexDigitValue ?? 0) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
