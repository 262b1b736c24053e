import ClusterTesting
import Generation
import Inference
import Kernels
import Model
import Testing

@Suite("Requests that have to make room")
struct InterruptionTests {
    private func request(_ number: Int, _ length: Int, _ count: Int) -> GenerationRequest {
        var sampling = Sampling.greedy
        if number.isMultiple(of: 2) {
            sampling = Sampling()
            sampling.seed = UInt64(number)
            sampling.repeatPenalty = 1.2
        }
        return GenerationRequest(
            prompt: (0..<length).map { Int32(3 + ($0 * 7 + number) % 90) },
            maximumTokens: count,
            sampling: sampling
        )
    }

    private func driver(
        pages: Int,
        sharing: PrefixLimits.Sharing = .none,
        limits: (inout Scheduler.Limits) -> Void = { _ in }
    ) throws -> EngineDriver {
        try EngineDriver(
            TinyModel().wholeModel(),
            eos: 0,
            cache: CacheLimits(positions: pages * CacheLayout.pageLength),
            prefixes: PrefixLimits(sharing: sharing),
            limits: limits
        )
    }

    @Test(
        "Where pages run out the last one goes back to wait, and all get what they get alone",
        arguments: [PrefixLimits.Sharing.none, .all]
    )
    func memory(sharing: PrefixLimits.Sharing) throws {
        let sizes = [(200, 300), (250, 200), (10, 500), (240, 40), (500, 30)]
        let alone = try driver(pages: 8)
        let expected = try sizes.enumerated().map { number, size in
            try #require(alone.complete(request(number, size.0, size.1)).0)
        }
        let small = try driver(pages: 4, sharing: sharing) { $0.stepRows = 120 }
        let ids = try sizes.enumerated().map { number, size in
            try small.add(request(number, size.0, size.1))
        }
        small.run()
        for (id, expected) in zip(ids, expected) {
            let result = try #require(small.result(id))
            #expect(result.tokens == expected.tokens && result.reason == expected.reason)
            #expect(small.tokens(id) == expected.tokens && small.endCount(id) == 1)
        }
        #expect(small.engine.figures.interruptionCount > 0)
        #expect(small.forward.heldPageCount == small.engine.figures.keptPageCount)
    }

    @Test("A prompt's progress is told once, however often it is computed")
    func progress() throws {
        let small = try driver(pages: 3) { $0.stepRows = 60 }
        let ids = [
            try small.add(request(1, 250, 120)), try small.add(request(3, 240, 120)),
            try small.add(request(5, 200, 120)),
        ]
        small.run()
        #expect(small.engine.figures.interruptionCount > 0)
        for id in ids {
            let told = (small.events[id] ?? []).compactMap { event -> Int? in
                if case .prefill(let done, _) = event { done } else { nil }
            }
            #expect(told == told.sorted() && Set(told).count == told.count && told.count > 2)
        }
    }

    @Test("A higher priority takes a place at once, and who had it goes on with the same tokens")
    func priority() throws {
        let alone = try driver(pages: 8)
        let expected = try (0..<3).map {
            try #require(alone.complete(request($0, 40, 30)).0).tokens
        }
        let driver = try driver(pages: 8) { $0.runningSequences = 2 }
        var urgent = request(2, 40, 30)
        urgent.priority = 1
        let early = [try driver.add(request(0, 40, 30)), try driver.add(request(1, 40, 30))]
        for _ in 0..<10 { driver.engine.step() }
        let late = try driver.add(urgent)
        driver.engine.step()
        #expect(driver.engine.figures.interruptionCount == 1 && driver.engine.queuedCount == 1)
        #expect(driver.events[late]?.isEmpty == false)
        driver.run()
        #expect((early + [late]).map { driver.result($0)?.tokens } == expected)
    }

    @Test("What is computed beside takes its pages from the last ones")
    func beside() throws {
        let alone = try driver(pages: 8)
        let expected = try (0..<3).map {
            try #require(alone.complete(request($0, 300, 40)).0).tokens
        }
        let full = try driver(pages: 6)
        let ids = try (0..<3).map { try full.add(request($0, 300, 40)) }
        for _ in 0..<4 { full.engine.step() }
        #expect(full.forward.freePageCount == 0)
        full.engine.free(pageCount: 3)
        #expect(full.forward.freePageCount == 4 && full.engine.runningCount == 1)
        do {
            let evaluation = Evaluation(
                forward: full.forward,
                tokens: Array(0..<700).map { $0 % 50 }
            )
            #expect(evaluation.wantedPageCount == 3)
            while !evaluation.isFinished {
                try evaluation.step { _, _ in }
                full.engine.step()
            }
            #expect(evaluation.wantedPageCount == 0)
        }
        full.run()
        #expect(ids.map { full.result($0)?.tokens } == expected)
    }

    @Test("Random requests, priorities and cancellations in little memory get what they get alone")
    func random() throws {
        let seed: UInt64 = 2024
        print("interruptions: seed \(seed)")
        var random = SeededRandom(seed: seed)
        let alone = try driver(pages: 8)
        let small = try driver(pages: 4, sharing: .all) {
            ($0.stepRows, $0.runningSequences) = (70, 4)
        }
        var expected: [Engine.SequenceID: [Int32]] = [:]
        for number in 0..<40 {
            // Every second one begins like the others.
            let kind = number.isMultiple(of: 2) ? 2 : number
            var wish = request(kind, Int.random(in: 1...600, using: &random), 0)
            wish.maximumTokens = Int.random(in: 1...80, using: &random)
            wish.priority = Int.random(in: -1...1, using: &random)
            wish.owner = "owner \(number % 3)"
            let id = try small.add(wish)
            expected[id] = try #require(alone.complete(wish).0).tokens
            for _ in 0..<Int.random(in: 0...12, using: &random) { small.engine.step() }
            if number % 7 == 3 { small.engine.cancel(id) }
        }
        small.run()
        for (id, tokens) in expected {
            let result = try #require(small.result(id))
            #expect(tokens.starts(with: result.tokens) && small.endCount(id) == 1)
            if result.reason != .cancelled { #expect(result.tokens == tokens) }
        }
        #expect(small.forward.heldPageCount == small.engine.figures.keptPageCount)
    }
}
