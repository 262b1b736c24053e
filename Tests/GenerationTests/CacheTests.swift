import ClusterTesting
import Generation
import Inference
import Kernels
import Model
import Testing

@Suite("The engine's memory for keys and values")
struct CacheTests {
    private func request(_ length: Int, _ count: Int?) -> GenerationRequest {
        GenerationRequest(
            prompt: (0..<length).map { Int32(3 + $0 % 50) },
            maximumTokens: count,
            sampling: .greedy
        )
    }

    /// A driver with so many pages, for a model that never ends by itself.
    private func driver(pages: Int) throws -> EngineDriver {
        try EngineDriver(
            TinyModel().wholeModel(),
            eos: 0,
            cache: CacheLimits(positions: pages * CacheLayout.pageLength)
        )
    }

    @Test("What only waits holds no page, and what ended gave its pages back")
    func queuedHoldsNothing() throws {
        let driver = try driver(pages: 8)
        for _ in 0..<3 { _ = try driver.add(request(10, 5)) }
        #expect(driver.forward.freePageCount == 8)
        driver.engine.step()
        #expect(driver.forward.freePageCount == 5)
        driver.run()
        #expect(driver.forward.freePageCount == 8)
    }

    @Test("Requests wait for pages in order of arrival, and get what they get alone")
    func waiting() throws {
        let sizes = [(200, 20), (600, 100), (5, 4), (250, 7), (260, 3)]
        let driver = try driver(pages: 3)
        let expected = try sizes.map { size in
            try #require(driver.complete(request(size.0, size.1)).0).tokens
        }
        let ids = try sizes.map { try driver.add(request($0.0, $0.1)) }
        driver.engine.step()
        // The second needs three pages, and the third, which needs one, does not overtake it.
        #expect(driver.engine.runningCount == 1 && driver.engine.queuedCount == 4)
        driver.run()
        for (id, tokens) in zip(ids, expected) {
            #expect(driver.result(id)?.tokens == tokens)
        }
        #expect(driver.forward.freePageCount == 3)
    }

    @Test("A request is cut to the pages there are, and a prompt that has none left is refused")
    func cut() throws {
        let driver = try driver(pages: 1)
        let result = try #require(driver.complete(request(100, nil)).0)
        #expect(result.reason == .length || result.reason == .stop)
        #expect(result.tokens.count + 100 <= 256)
        #expect(throws: RequestError.promptTooLong(256, contextLength: 256)) {
            try driver.add(request(256, 1))
        }
    }

    @Test("An evaluation beside a full engine fails with the reason, and the engine goes on")
    func exhausted() throws {
        let driver = try driver(pages: 2)
        let expected = try driver.complete(request(300, 5)).0?.tokens
        let id = try driver.add(request(300, 5))
        driver.engine.step()
        let evaluation = Evaluation(forward: driver.forward, tokens: [1, 2, 3])
        let error = ForwardError.cache(.noPages(wanted: 1, free: 0, limit: 2))
        #expect(throws: error) { try evaluation.step { _, _ in } }
        driver.run()
        #expect(driver.result(id)?.tokens == expected)
        try evaluation.step { _, _ in }
        #expect(evaluation.isFinished)
    }

    @Test("The cache's format changes little, and the batch nothing", arguments: [1, 64])
    func rounded(rows: Int) throws {
        let model = try TinyModel().wholeModel()
        let cache = CacheLimits(positions: 4096, format: .q8_0)
        func tokens(_ rows: Int) throws -> [[Int32]?] {
            let driver = try EngineDriver(model, eos: 0, cache: cache) { $0.stepRows = rows }
            let ids = try (1...3).map { try driver.add(request(40 * $0, 12)) }
            driver.run()
            return ids.map { driver.result($0)?.tokens }
        }
        #expect(try tokens(rows) == tokens(256))
    }
}
