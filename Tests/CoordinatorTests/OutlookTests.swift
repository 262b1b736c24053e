import Cluster
import ClusterTesting
import Coordinator
import Model
import Placement
import Testing
import Wire

@Suite("What coming work is expected to use")
struct ComingWorkTests {
    private static let start = Instant(nanoseconds: 0)

    private func id(_ layer: Int, _ index: Int) -> ExpertID {
        ExpertID(layer: LayerIndex(layer), index: index)
    }

    /// Code uses the lower experts, prose the upper ones and four times as many rows.
    private func counted() -> (counter: ProfileCounter, code: ProfileCounter.Label) {
        var counter = ProfileCounter(expertCounts: [4, 0, 4], topK: 1, halfLife: 1e9)
        let code = counter.label(of: "code")
        let prose = counter.label(of: "prose")
        func count(_ label: ProfileCounter.Label, _ experts: [Int32]) {
            let labels = experts.map { _ in label }
            for layer in [0, 2] { counter.count(experts, layer: LayerIndex(layer), labels: labels) }
        }
        for _ in 0..<10 {
            count(code, [0, 0, 0, 1])
            for _ in 0..<4 { count(prose, [3, 3, 2, 3]) }
        }
        return (counter, code)
    }

    @Test("is what its tasks used; where nothing is under way, what all used lately")
    func ranking() {
        let (counter, code) = counted()
        let work = ComingWork(counter: counter)
        let request = ComingWork.Request(label: code, promptTokenCount: 10, answerLength: 5)
        #expect(work.ranking(for: [request]) == [id(0, 0), id(2, 0), id(0, 1), id(2, 1)])
        #expect(work.ranking(for: []).prefix(4) == [id(0, 3), id(2, 3), id(0, 2), id(2, 2)])
        #expect(work.ranking(for: []).count == 8)
    }

    @Test("weighs tasks by the tokens of their requests")
    func weights() {
        let (known, code) = counted()
        var counter = known
        let prose = counter.label(of: "prose")
        let work = ComingWork(counter: counter)
        func first(_ codeTokens: Int, _ proseTokens: Int) -> ExpertID? {
            let requests = [(code, codeTokens), (prose, proseTokens)].map { label, count in
                ComingWork.Request(label: label, promptTokenCount: count, answerLength: 1)
            }
            return work.ranking(for: requests).first
        }
        #expect(first(100, 10) == id(0, 0))
        #expect(first(10, 100) == id(0, 3))
    }

    @Test("is not guessed from a few rows, nor for a task that nothing is known of")
    func unknown() {
        var (counter, _) = counted()
        let new = ComingWork.Request(
            label: counter.label(of: "new"),
            promptTokenCount: 10,
            answerLength: 5
        )
        let work = ComingWork(counter: counter)
        #expect(work.ranking(for: [new]) == work.ranking(for: []))
        var empty = ProfileCounter(expertCounts: [4], topK: 1, halfLife: 1e9)
        #expect(ComingWork(counter: empty).ranking(for: []).isEmpty)
        // Each of them counts a little less than one by now.
        for _ in 0..<Int(ComingWork.leastRows) { empty.count([1], layer: LayerIndex(0)) }
        #expect(ComingWork(counter: empty).ranking(for: []).isEmpty)
        empty.count([1], layer: LayerIndex(0))
        #expect(ComingWork(counter: empty).ranking(for: []) == [id(0, 1)])
    }

    @Test("Workers are told what is new, and those who came are told all the same")
    func news() {
        var news = OutlookNews()
        #expect(!news.isDue(for: []), "it is of use to nobody")
        news.onWorkers([true, false, true], now: Self.start)
        #expect(news.isDue(for: []) && news.untold.isEmpty)
        news.adopt([id(0, 1)], for: [], now: Self.start)
        #expect(!news.isDue(for: []) && news.isDue(for: ["code"]))
        #expect(news.untold == [0, 2])
        news.onTold(0)
        news.onTold(2)
        #expect(news.untold.isEmpty && news.retryPause(now: Self.start) == nil)
        news.onStep()
        #expect(news.isDue(for: []))
        // The same as before is no news.
        news.adopt([id(0, 1)], for: [], now: Self.start)
        #expect(!news.isDue(for: []) && news.untold.isEmpty)
        news.onWorkers([true, false, false], now: Self.start)
        #expect(news.untold == [0])
    }

    @Test("is of use to those that load while nothing is computed")
    func takers() {
        #expect(OutlookNews.isOfUse(takesHints: true, lossy: nil))
        #expect(!OutlookNews.isOfUse(takesHints: false, lossy: nil))
        #expect(OutlookNews.isOfUse(takesHints: false, lossy: .resident))
        #expect(!OutlookNews.isOfUse(takesHints: true, lossy: .hobbit))
    }

    @Test("Who cannot be told is tried again for a while, and with the next news")
    func retries() {
        var news = OutlookNews()
        news.onWorkers([true], now: Self.start)
        news.adopt([id(0, 1)], for: [], now: Self.start)
        #expect(news.retryPause(now: Self.start) == OutlookNews.pause)
        let late = Self.start + OutlookNews.connectTime
        #expect(news.retryPause(now: late) == nil && news.untold == [0])
        news.adopt([id(0, 2)], for: ["code"], now: late)
        #expect(news.retryPause(now: late) == OutlookNews.pause)
    }
}

@Suite("Workers load what is expected", .serialized, .timeLimit(.minutes(10)))
struct OutlookTests {
    @Test("One that comes back has loaded what tasks use before anybody asks, and answers as ever")
    func comesBack() async throws {
        var alpha = InProcessCluster.Worker("alpha")
        alpha.settings = ["worker.memory": "1TB"]
        let worker = alpha
        var setup = InProcessCluster.Setup.demo(["alpha"])
        setup.workers = [worker]
        try await InProcessCluster.prepare(setup) { cluster in
            let expected = try Demo.tokens(count: 24)
            try await cluster.running([cluster.coordinator()]) {
                let client = cluster.client
                try await cluster.running([cluster.worker(worker)]) {
                    let ended = try await client.generate(Demo.prompt, maximumTokens: 24)
                    #expect(ended.tokens == expected)
                    // All that was ever used is in memory still.
                    try await client.nodes { $0.allSatisfy { $0.supply.storedUses > 0 } }
                    #expect(try await client.nodes().allSatisfy { $0.supply.idleLoads == 0 })
                }
                try await cluster.running([cluster.worker(worker)]) {
                    try await client.nodes { $0.contains { $0.supply.idleLoads > 0 } }
                    let ended = try await client.generate(Demo.prompt, maximumTokens: 24)
                    #expect(ended.tokens == expected)
                    try await client.nodes { $0.contains { $0.supply.idleUses > 0 } }
                }
            }
        }
    }
}
