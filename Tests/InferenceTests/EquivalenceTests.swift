import ClusterTesting
import Generation
import Inference
import Kernels
import Model
import Testing

@Suite("One arithmetic: the same bits, however it is computed")
struct EquivalenceTests {
    private static func tokens(_ model: WholeModel, count: Int = 130, seed: UInt64 = 1) -> [Int32] {
        randomTokens(count, below: model.description.vocabularyCount, seed: seed)
    }

    @Test("There are models to compare")
    func models() {
        #expect(NamedModel.integerModels.count == 3 + Architecture.known.count)
    }

    @Test("A prompt at once, in chunks, or token by token", arguments: NamedModel.integerModels)
    func chunks(named: NamedModel) throws {
        // Beyond a tile of attention's 256 positions.
        let tokens = Self.tokens(named.model, count: 270)
        let forward = named.model.forward()
        let whole = bits(try forward.logits(of: tokens, chunk: tokens.count))
        for chunk in [1, 7, 64] {
            #expect(bits(try forward.logits(of: tokens, chunk: chunk)) == whole, "\(chunk)")
        }
    }

    @Test("Every instruction set this machine has", arguments: NamedModel.integerModels)
    func instructionSets(named: NamedModel) throws {
        let tokens = Self.tokens(named.model, count: 80)
        let scalar = bits(try named.model.forward(.scalar).logits(of: tokens))
        for set in InstructionSet.supported where set != .scalar {
            #expect(bits(try named.model.forward(set).logits(of: tokens)) == scalar, "\(set)")
            let single = try named.model.forward(set).logits(of: Array(tokens.prefix(9)), chunk: 1)
            #expect(bits(single)[...] == scalar.prefix(single.count), "\(set) by token")
        }
    }

    @Test("One, two or three threads", arguments: NamedModel.integerModels)
    func threads(named: NamedModel) throws {
        let tokens = Self.tokens(named.model, count: 70)
        let one = bits(try named.model.forward(threadCount: 1).logits(of: tokens))
        for count in [2, 3] {
            let forward = named.model.forward(threadCount: count)
            #expect(bits(try forward.logits(of: tokens)) == one, "\(count) threads")
        }
    }

    @Test(
        "Sequences of a batch, in any mixture, and each alone",
        arguments: NamedModel.integerModels
    )
    func batches(named: NamedModel) throws {
        let seed: UInt64 = 77
        print("batches: seed \(seed)")
        var random = SeededRandom(seed: seed)
        let forward = named.model.forward()
        let width = forward.model.vocabularyCount
        let sequences = [3, 33, 1, 60, 17].enumerated().map { index, count in
            Self.tokens(named.model, count: count, seed: UInt64(index))
        }
        let contexts = try sequences.map { try forward.makeContext(capacity: $0.count) }
        var done = sequences.map { _ in 0 }
        var found = sequences.map { _ in [Float]() }
        var logits: [Float] = []
        while zip(done, sequences).contains(where: { $0 < $1.count }) {
            var batch = Batch()
            var parts: [(sequence: Int, count: Int)] = []
            for index in sequences.indices.shuffled(using: &random) {
                let left = sequences[index].count - done[index]
                let count = min(left, Int.random(in: 0...20, using: &random))
                guard count > 0 else { continue }
                batch.append(
                    sequences[index][done[index]..<done[index] + count],
                    from: done[index],
                    of: contexts[index],
                    logits: .all
                )
                parts.append((index, count))
                done[index] += count
            }
            try forward.run(batch, logits: &logits)
            var start = 0
            for (sequence, count) in parts {
                found[sequence] += logits[start..<start + count * width]
                start += count * width
            }
        }
        for (index, tokens) in sequences.enumerated() {
            #expect(bits(found[index]) == bits(try forward.logits(of: tokens)), "\(index)")
        }
    }

    @Test(
        "Only the rows that want logits get them, and the same",
        arguments: NamedModel.integerModels
    )
    func wantedRows(named: NamedModel) throws {
        let tokens = Self.tokens(named.model, count: 21)
        let forward = named.model.forward()
        let width = forward.model.vocabularyCount
        let all = try forward.logits(of: tokens)
        let (first, second) = (
            try forward.makeContext(capacity: 21), try forward.makeContext(capacity: 21)
        )
        var batch = Batch()
        batch.append(tokens[0..<5], from: 0, of: first, logits: .none)
        batch.append(tokens[0..<21], from: 0, of: second, logits: .last)
        var logits: [Float] = []
        try forward.run(batch, logits: &logits)
        #expect(bits(logits) == bits(Array(all.suffix(width))))
        var rest = Batch()
        rest.append(tokens[5..<9], from: 5, of: first, logits: .last)
        try forward.run(rest, logits: &logits)
        #expect(bits(logits) == bits(Array(all[8 * width..<9 * width])))
    }

    @Test(
        "Experts in one part, or in as many as a cluster has",
        arguments: NamedModel.integerModels
    )
    func partitions(named: NamedModel) throws {
        let seed: UInt64 = 11
        print("partitions: seed \(seed)")
        var random = SeededRandom(seed: seed)
        let tokens = Self.tokens(named.model, count: 50)
        let whole = bits(try named.model.forward().logits(of: tokens))
        let counts = named.model.description.expertCounts
        for parts in [1, 2, 3, 5] {
            let contiguous = counts.map { count in (0..<count).map { $0 * parts / count } }
            let shuffled = counts.map { count in
                (0..<count).map { _ in Int.random(in: 0..<parts, using: &random) }
            }
            for owners in [contiguous, shuffled] {
                let forward = named.model.forward(owners: owners)
                #expect(bits(try forward.logits(of: tokens)) == whole, "\(parts) parts")
            }
        }
    }

    @Test(
        "A step in one part, or in as many as it has rows",
        arguments: NamedModel.integerModels
    )
    func microBatches(named: NamedModel) throws {
        let tokens = Self.tokens(named.model, count: 50)
        let whole = bits(try named.model.forward().logits(of: tokens))
        for count in [1, 2, 3, 8] {
            let forward = named.model.forward(microBatches: count)
            for chunk in [50, 7, 2, 1] {
                let found = bits(try forward.logits(of: tokens, chunk: chunk))
                #expect(found == whole, "\(count) parts, chunks of \(chunk)")
            }
        }
    }

    @Test(
        "A context goes on after a failed step as if it had not been",
        arguments: Architecture.known,
        [1, 3]
    )
    func failedStep(family: Architecture, microBatches: Int) throws {
        let model = try TinyModel(family).wholeModel()
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        let runner = MoodyRunner(model, kernels)
        let forward = model.forward(
            kernels: kernels,
            experts: runner,
            microBatches: microBatches
        )
        let tokens = Self.tokens(model, count: 20)
        let width = forward.model.vocabularyCount
        let expected = try forward.logits(of: tokens)
        let context = try forward.makeContext(capacity: 20)
        var logits: [Float] = []
        var batch = Batch()
        batch.append(tokens[..<12], from: 0, of: context, logits: .none)
        try forward.run(batch, logits: &logits)
        var rest = Batch()
        rest.append(tokens[12...], from: 12, of: context, logits: .last)
        runner.failingLayer = 1
        #expect(throws: ForwardError.experts(MoodyRunner.failure)) {
            try forward.run(rest, logits: &logits)
        }
        runner.failingLayer = nil
        try forward.run(rest, logits: &logits)
        #expect(bits(logits) == bits(Array(expected.suffix(width))))
    }

    @Test(
        "A step begins anew where experts are cut otherwise by now, but not for ever",
        arguments: [1, 3]
    )
    func newCuts(microBatches: Int) throws {
        let model = try TinyModel().wholeModel()
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        let runner = MoodyRunner(model, kernels)
        let forward = model.forward(
            kernels: kernels,
            experts: runner,
            microBatches: microBatches
        )
        let tokens = Self.tokens(model, count: 20)
        let expected = try forward.logits(of: tokens)
        runner.failingLayer = 1
        runner.newCuts = 3
        #expect(try bits(forward.logits(of: tokens)) == bits(expected))
        #expect(runner.newCuts == 0)

        runner.failingLayer = 1
        runner.newCuts = .max
        let error = ForwardError.experts(.cutChanged(layer: LayerIndex(1)))
        #expect(throws: error) { try forward.logits(of: tokens) }
    }

    @Test("Unknown tokens and full contexts are errors before anything is computed")
    func badBatches() throws {
        let model = try TinyModel().wholeModel()
        let forward = model.forward()
        let count = forward.model.vocabularyCount
        for token in [-1, Int32(count), .max, .min] {
            #expect(throws: ForwardError.unknownToken(token, vocabularyCount: count)) {
                try forward.logits(of: [1, token])
            }
        }
        let context = try forward.makeContext(capacity: 2)
        var batch = Batch()
        batch.append([1, 2, 3], from: 0, of: context, logits: .all)
        var logits: [Float] = []
        #expect(throws: ForwardError.contextFull(capacity: 2)) {
            try forward.run(batch, logits: &logits)
        }
    }

    @Test("Weights too large to compute with are reported, not sampled from", arguments: [0, 1])
    func enormousWeights(layer: Int) throws {
        var contents = TinyModel().contents()
        let name = "blk.\(layer).ffn_norm.weight"
        var tensor = try #require(contents[name])
        let huge = Float.greatestFiniteMagnitude.bitPattern
        tensor.bytes = (0..<tensor.bytes.count).map {
            UInt8(truncatingIfNeeded: huge >> (8 * UInt32($0 % 4)))
        }
        contents[name] = tensor
        let forward = try contents.wholeModel().forward()
        let evaluation = Evaluation(forward: forward, tokens: [1, 2, 3])
        #expect(throws: ForwardError.notFinite) { try evaluation.step { _, _ in } }
    }
}
