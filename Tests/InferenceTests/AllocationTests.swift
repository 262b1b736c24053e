import CAllocations
import ClusterTesting
import Experts
import Inference
import Kernels
import Model
import Testing

/// How often this thread asks for memory while `body` runs.
private func allocations(_ body: () throws -> Void) rethrows -> Int {
    let before = moiety_allocation_count()
    try body()
    return moiety_allocation_count() - before
}

@Suite("Memory that a step asks for", .enabled(if: moiety_allocation_count() >= 0))
struct AllocationTests {
    @Test("The counter counts")
    func counter() {
        var kept: [[Int]] = []
        kept.reserveCapacity(8)
        let count = allocations { for size in 1...8 { kept.append(Array(0..<size)) } }
        #expect(count == 8)
    }

    /// A step of the demo model, again and again: warmed up, then counted.
    private func count(
        threads: Int,
        rows: [(sequence: Int, tokens: [Int32])],
        positions: Int = 96
    ) throws -> Int {
        let model = try WholeModel.demo
        let forward = model.forward(threadCount: threads)
        let sequences = 1 + (rows.map(\.sequence).max() ?? 0)
        let contexts = try (0..<sequences).map { _ in
            try forward.makeContext(capacity: positions)
        }
        var position = 0
        var logits: [Float] = []
        var batch = Batch()
        func step() throws {
            batch.removeAll()
            for row in rows {
                batch.append(
                    row.tokens[...],
                    from: position,
                    of: contexts[row.sequence],
                    logits: .last
                )
            }
            try forward.run(batch, logits: &logits)
            position += rows[0].tokens.count
        }
        for _ in 0..<3 { try step() }
        return try allocations { for _ in 0..<3 { try step() } }
    }

    @Test("A step of one sequence asks for none", arguments: [1, 2])
    func decode(threads: Int) throws {
        #expect(try count(threads: threads, rows: [(0, [17])]) == 0)
    }

    @Test("A chunk of a prompt asks for none", arguments: [1, 2])
    func prefill(threads: Int) throws {
        let tokens = randomTokens(16, below: 256, seed: 3)
        #expect(try count(threads: threads, rows: [(0, tokens)]) == 0)
    }

    @Test("A step of several sequences asks for none", arguments: [1, 2])
    func batch(threads: Int) throws {
        let tokens = randomTokens(5, below: 256, seed: 4)
        let rows = tokens.enumerated().map { (sequence: $0.offset, tokens: [$0.element]) }
        #expect(try count(threads: threads, rows: rows) == 0)
    }

    @Test("What was released is asked for once again")
    func released() throws {
        let model = try WholeModel.demo
        let forward = model.forward(threadCount: 1)
        let context = try forward.makeContext(capacity: 96)
        let tokens = randomTokens(16, below: 256, seed: 6)
        var position = 0
        var logits: [Float] = []
        var batch = Batch()
        func step() throws {
            batch.removeAll()
            batch.append(tokens[...], from: position, of: context, logits: .last)
            try forward.run(batch, logits: &logits)
            position += tokens.count
        }
        for _ in 0..<2 { try step() }
        forward.kernels.releaseMemory()
        #expect(try allocations { try step() } > 0)
        #expect(try allocations { try step() } == 0)
    }

    @Test("Choosing tokens asks for none", arguments: [1, 40])
    func sampling(topK: Int) {
        var sampling = Sampling()
        sampling.topK = topK
        sampling.repeatPenalty = topK == 40 ? 1.1 : 1
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        var sampler = Sampler(sampling, kernels: kernels)
        var random = SeededRandom(seed: 5)
        let logits = (0..<4000).map { _ in Float(random.unit() * 12 - 6) }
        func step() { sampler.accept(sampler.sample(logits[...])) }
        for _ in 0..<300 { step() }
        #expect(allocations { for _ in 0..<20 { step() } } == 0)
    }
}
