import ClusterTesting
import Generation
import Inference
import Kernels
import Model
import Testing

@Suite("Requests that begin alike")
struct SharedPrefixTests {
    private func request(
        _ prompt: [Int32],
        seed: UInt64? = nil,
        owner: String = "",
        count: Int = 12
    ) -> GenerationRequest {
        var sampling = Sampling.greedy
        if let seed {
            sampling = Sampling()
            sampling.seed = seed
        }
        return GenerationRequest(
            prompt: prompt,
            maximumTokens: count,
            sampling: sampling,
            owner: owner
        )
    }

    private func tokens(_ count: Int, from start: Int = 0) -> [Int32] {
        (start..<start + count).map { Int32(3 + $0 * 7 % 90) }
    }

    private func driver(
        _ sharing: PrefixLimits.Sharing,
        pages: Int = 24,
        keeping pageCount: Int = .max,
        limits: (inout Scheduler.Limits) -> Void = { _ in }
    ) throws -> EngineDriver {
        try EngineDriver(
            TinyModel().wholeModel(),
            eos: 0,
            cache: CacheLimits(positions: pages * CacheLayout.pageLength),
            prefixes: PrefixLimits(sharing: sharing, pageCount: pageCount),
            limits: limits
        )
    }

    @Test(
        "The second gets the same tokens, and its first pages are not computed",
        arguments: [(256, 0), (257, 256), (511, 256), (512, 256), (513, 512), (800, 768)]
    )
    func same(length: Int, cached: Int) throws {
        let alone = try driver(.none)
        let shared = try driver(.all) { $0.stepRows = 100 }
        let prompt = tokens(length)
        for seed in [nil, 5, 6] as [UInt64?] {
            let expected = try #require(alone.complete(request(prompt, seed: seed)).0)
            let result = try #require(shared.complete(request(prompt, seed: seed)).0)
            #expect(result.tokens == expected.tokens && expected.cachedTokenCount == 0)
            #expect(result.cachedTokenCount == (seed == nil ? 0 : cached))
        }
        #expect(shared.engine.figures.foundTokenCount == 2 * cached)
        #expect(shared.engine.figures.soughtTokenCount == 3 * length)
    }

    @Test("What was computed before others computed experts is used by nobody")
    func forgotten() throws {
        let shared = try driver(.all) { $0.stepRows = 100 }
        let prompt = tokens(600)
        _ = try shared.complete(request(prompt))
        #expect(shared.engine.figures.keptPageCount > 0)
        shared.engine.forgetPages()
        #expect(shared.engine.figures.keptPageCount == 0)
        _ = try shared.add(request(prompt))
        // Some pages of it are computed when others take over.
        for _ in 0..<4 { shared.engine.step() }
        #expect(shared.engine.figures.keptPageCount == 1)
        shared.engine.forgetPages()
        while shared.engine.hasWork { shared.engine.step() }
        #expect(shared.engine.figures.keptPageCount == 0)
        let last = try #require(shared.complete(request(prompt)).0)
        #expect(last.cachedTokenCount == 0)
        #expect(try #require(shared.complete(request(prompt)).0).cachedTokenCount == 512)
    }

    @Test("A conversation goes on after its first answer, whose pages are there too")
    func conversation() throws {
        let alone = try driver(.none)
        let shared = try driver(.all)
        let first = try #require(shared.complete(request(tokens(400), count: 150)).0)
        let more = tokens(400) + first.tokens + tokens(30, from: 7)
        let expected = try #require(alone.complete(request(more)).0)
        let second = try #require(shared.complete(request(more)).0)
        #expect(second.tokens == expected.tokens && second.cachedTokenCount == 512)
    }

    @Test("Those that run together and begin alike get what they get alone")
    func together() throws {
        let alone = try driver(.none)
        let shared = try driver(.all) { ($0.stepRows, $0.runningSequences) = (90, 3) }
        let prompts = (0..<6).map { tokens(300) + tokens(40 * $0, from: $0) }
        let expected = try prompts.map { try #require(alone.complete(request($0)).0).tokens }
        let ids = try prompts.map { try shared.add(request($0)) }
        shared.run()
        #expect(ids.map { shared.result($0)?.tokens } == expected)
        // Those that began later found what the first had computed.
        #expect(shared.result(ids[5])?.cachedTokenCount == 256)
    }

    @Test("Owners are kept apart where that is wanted")
    func owners() throws {
        let shared = try driver(.owners)
        let found = try ["a", "b", "a", ""].map { owner in
            try shared.complete(request(tokens(300), owner: owner)).0?.cachedTokenCount
        }
        #expect(found == [0, 0, 256, 0])
    }

    @Test("What is kept gives way to those who run, and is bounded")
    func bounded() throws {
        let small = try driver(.all, pages: 4)
        _ = try small.complete(request(tokens(600)))
        #expect(small.engine.figures.keptPageCount == 2 && small.forward.freePageCount == 2)
        let other = try #require(small.complete(request(tokens(1000, from: 1), count: 4)).0)
        #expect(other.reason == .length && small.engine.figures.keptPageCount == 3)
        let bounded = try driver(.all, keeping: 1)
        _ = try bounded.complete(request(tokens(600)))
        #expect(bounded.engine.figures.keptPageCount == 1 && bounded.forward.freePageCount == 23)
    }

    @Test("A step that failed leaves nothing behind that others would find")
    func failure() throws {
        let alone = try driver(.none)
        let expected = try #require(alone.complete(request(tokens(600))).0).tokens
        let shared = try driver(.all) { $0.stepRows = 256 }
        for calls in 0..<6 {
            shared.runner.callsLeft = calls
            _ = try shared.complete(request(tokens(600)))
            shared.runner.callsLeft = nil
        }
        #expect(try shared.complete(request(tokens(600))).0?.tokens == expected)
    }
}
