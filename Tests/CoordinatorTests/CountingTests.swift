import ClusterTesting
import Placement
import Synchronization
import Testing
import Wire

@Suite("What the routers choose is counted", .serialized, .timeLimit(.minutes(10)))
struct CountingTests {
    /// A half-life so long that no row fades.
    private static let settings = ["coordinator.profile-half-life": "1000000000"]

    @Test("Each task's rows are counted, and a trace has all of them", arguments: [1, 3])
    func tasks(parts: Int) async throws {
        let settings = Self.settings.merging(["coordinator.micro-batches": "\(parts)"]) { $1 }
        try await InProcessCluster.run(.demo(["alpha", "beta"], settings: settings)) { cluster in
            let client = cluster.client
            try await client.overview(.startTrace)
            let first = try await client.run(Self.job("prose", count: 12))
            let second = try await client.run(Self.job("code", count: 5))
            try await client.overview(.stopTrace)
            _ = try await client.run(Self.job(nil, count: 3))
            let rows = [first, second].map { Double($0.promptTokenCount + $0.tokens.count - 1) }
            let fetched = try await client.fetch(task: "prose")
            let overview = fetched.overview
            #expect(overview.obstacle.isEmpty && overview.tasks.map(\.name) == ["prose", "code"])
            for (task, count) in zip(overview.tasks, rows) {
                #expect(abs(task.rowCount - count) < 1e-3, "\(task)")
            }
            #expect(overview.rowCount > rows[0] + rows[1] + 1)
            #expect(overview.sampleCount > 0)
            let trace = try RoutingTrace(
                expertCounts: overview.expertCounts,
                topK: overview.topK,
                recorded: fetched.trace
            )
            #expect(Double(trace.rowCount) == rows[0] + rows[1])
            // The first job's steps come first.
            var steps = 0
            while trace.rowCounts[..<steps].reduce(0, +) < Int(rows[0]) { steps += 1 }
            let expected = Profile(trace.steps(0..<steps))
            let counted = Profile(rows: rows[0] + 1, topK: trace.topK, counts: fetched.layers)
            Self.expectSame(counted, expected)
        }
    }

    @Test("Evaluations are counted too, as nobody's")
    func evaluation() async throws {
        try await InProcessCluster.run(.demo(["alpha"], settings: Self.settings)) { cluster in
            _ = try await cluster.client.evaluate([1, 2, 3, 4, 5], top: 1)
            let overview = try await cluster.client.overview(.look)
            #expect(abs(overview.rowCount - 5) < 1e-3 && overview.tasks.isEmpty)
        }
    }

    @Test("Tasks beyond the limit count as others")
    func taskLimit() async throws {
        let settings = Self.settings.merging(["coordinator.profile-tasks": "1"]) { $1 }
        try await InProcessCluster.run(.demo(["alpha"], settings: settings)) { cluster in
            for task in ["a", "b", "c"] {
                _ = try await cluster.client.run(Self.job(task, count: 1))
            }
            let overview = try await cluster.client.overview(.look)
            #expect(overview.tasks.map(\.name) == ["a", "other"])
            #expect(overview.tasks[1].rowCount > 1.9 * overview.tasks[0].rowCount)
        }
    }

    @Test("A half-life of 0 counts nothing, and says why")
    func off() async throws {
        let settings = ["coordinator.profile-half-life": "0"]
        try await InProcessCluster.run(.demo(["alpha"], settings: settings)) { cluster in
            _ = try await cluster.client.run(Self.job("a", count: 2))
            let overview = try await cluster.client.overview(.startTrace)
            #expect(overview.obstacle.contains("profile-half-life"))
            #expect(overview.rowCount == 0 && !overview.trace.isRecording)
        }
    }

    @Test("Who asks for a part of nothing is told to ask anew")
    func strayPart() async throws {
        try await InProcessCluster.run(.demo(["alpha"])) { cluster in
            let wish = ClientMessage.getProfilePart(GetProfilePart(kind: .layer, index: 0))
            let replies = try await cluster.client.exchange(wish) { _ in false }
            guard case .refusal(let refusal) = replies.last else {
                return #expect(Bool(false), "\(replies)")
            }
            #expect(refusal.text.contains("ask anew"))
        }
    }

    private static func job(_ task: String?, count: Int) -> Submit {
        var job = Demo.greedyJob(count)
        job.task = task
        return job
    }

    private static func expectSame(_ one: Profile, _ other: Profile) {
        #expect(one.layers.count == other.layers.count)
        for (mine, theirs) in zip(one.layers, other.layers) {
            let pairs = zip(mine.activations, theirs.activations)
            #expect(pairs.allSatisfy { abs($0 - $1) < 1e-3 })
            expectSame(mine.coactivations, theirs.coactivations)
            expectSame(mine.transitions, theirs.transitions)
        }
    }

    private static func expectSame(_ one: [PairCount], _ other: [PairCount]) {
        #expect(one.map(\.first) == other.map(\.first) && one.map(\.second) == other.map(\.second))
        #expect(zip(one, other).allSatisfy { abs($0.count - $1.count) < 1e-3 })
    }
}

/// Everything that a coordinator has counted.
private struct FetchedProfile: Sendable {
    var overview = ProfileOverview(rowCount: 0, topK: 1, expertCounts: [])
    var layers: [LayerCounts] = []
    var trace: [RecordedSteps] = []
}

extension TestClient {
    @discardableResult
    fileprivate func overview(_ action: GetProfile.Action) async throws -> ProfileOverview {
        let replies = try await exchange(.getProfile(GetProfile(action: action))) { _ in false }
        let overview: ProfileOverview? =
            if case .profileOverview(let overview) = replies.last { overview } else { nil }
        return try #require(overview, "\(replies)")
    }

    /// The counts of a task, and the trace, part by part.
    fileprivate func fetch(task: String) async throws -> FetchedProfile {
        let fetched = Mutex(FetchedProfile())
        _ = try await converse(.getProfile(GetProfile())) { message in
            fetched.withLock { fetched in
                switch message {
                case .profileOverview(let overview): fetched.overview = overview
                case .profileLayer(let layer): fetched.layers.append(layer.counts)
                case .profileSteps(let steps): fetched.trace.append(steps.steps)
                default: return .finish
                }
                return fetched.next(task).map { .send(.getProfilePart($0)) } ?? .finish
            }
        }
        return fetched.withLock { $0 }
    }
}

extension FetchedProfile {
    /// What to ask for next; nil once all is there.
    fileprivate func next(_ task: String) -> GetProfilePart? {
        if layers.count < overview.expertCounts.count {
            return GetProfilePart(kind: .layer, index: layers.count, task: task)
        }
        guard trace.count < overview.trace.pieceCount else { return nil }
        return GetProfilePart(kind: .trace, index: trace.count)
    }
}
