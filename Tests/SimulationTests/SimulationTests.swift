import Coordinator
import Foundation
import Testing
import Tokenizer
import Wire

@Suite("A cluster with faults from a seed")
struct SimulationTests {
    @Test(
        "Every job ends once, rightly or with a named error, and everything mends",
        arguments: Seeds.wanted.parts
    )
    func seeds(_ part: ClosedRange<UInt64>) throws {
        var tally = Tally()
        for seed in part {
            Seeds.wanted.note(seed)
            let cluster = try SimulatedCluster(seed: seed, isTold: Seeds.wanted.isOne)
            let failure = try cluster.run()
            if Seeds.wanted.isOne { print(cluster.story.text) }
            tally.add(cluster)
            #expect(failure == nil, "repeat with: make simulate SEED=\(seed)")
        }
        if Seeds.wanted.areMany { print("seeds \(part): \(tally)") }
    }
}

@Suite("What simulated clients ask")
struct QuestionTests {
    @Test("Long jobs have prompts of several pages that begin alike")
    func long() throws {
        let tokenizer = try SimulatedModel.shared.served.tokenizer
        let prompts = try (0..<Question.longJobCount).map { number in
            let message = Question.job(Question.jobCount + number).message(tag: 0)
            guard case .submit(let submit) = message else { return [Int32]() }
            return try tokenizer.encode(submit.prompt)
        }
        #expect(prompts.allSatisfy { (300...900).contains($0.count) })
        #expect(Set(prompts.map { $0.prefix(256) }).count == 1)
    }
}

/// Which seeds are run, as the environment says: 50 unless it asks for more, or for one.
struct Seeds: Sendable {
    let range: ClosedRange<UInt64>
    /// Whether one seed is repeated, so that its story is wanted.
    let isOne: Bool
    /// Whether they take so long that one wants to see how far it is.
    var areMany: Bool { range.count >= 1000 }
    /// Where to say what is being run, for whoever finds the process dead.
    private let progress: String?

    static let wanted = Seeds(ProcessInfo.processInfo.environment)

    private init(_ environment: [String: String]) {
        func number(_ name: String) -> UInt64? { environment[name].flatMap { UInt64($0) } }
        progress = environment["MOIETY_SIMULATE_PROGRESS"]
        if let seed = number("MOIETY_SIMULATE_SEED") {
            range = seed...seed
            isOne = true
        } else {
            let first = number("MOIETY_SIMULATE_FIRST") ?? 1
            range = first...first + max(1, number("MOIETY_SIMULATE_SEEDS") ?? 50) - 1
            isOne = false
        }
    }

    /// The seeds in a hundred parts, which run side by side and show how far it is.
    var parts: [ClosedRange<UInt64>] {
        let size = max(1, UInt64(range.count) / 100)
        return stride(from: range.lowerBound, through: range.upperBound, by: Int(size)).map {
            $0...min(range.upperBound, $0 + size - 1)
        }
    }

    /// A line per seed that is begun, each written whole.
    func note(_ seed: UInt64) {
        guard let progress, let file = FileHandle(forWritingAtPath: progress) else { return }
        file.seekToEndOfFile()
        file.write(Data("SEED=\(seed)\n".utf8))
    }
}
