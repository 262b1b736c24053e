import ClusterTesting
import Inference
import Model
import Placement
import Testing
import Wire

@Suite("A cluster whose experts lie in shards")
struct ShardClusterTests {
    private static let tokens: [Int32] = [0, 629, 358, 10, 21, 2394, 70, 11, 438, 49, 37, 547]

    /// Every expert of the demo model in the same slices, one for each worker.
    private func setup(_ shards: [Range<Int>]) throws -> InProcessCluster.Setup {
        let names = shards.indices.compactMap { WorkerName(rawValue: "worker-\($0)") }
        let entry = ExpertEntry.shards(
            shards.enumerated().map { worker, dimensions in
                Shard(worker: worker, from: dimensions.lowerBound, to: dimensions.upperBound)
            }
        )
        let counts = try WholeModel.demo.description.expertCounts
        return InProcessCluster.Setup(
            modelPath: WholeModel.demoPath,
            workers: names.map { InProcessCluster.Worker($0.rawValue) },
            plan: Plan(
                epoch: Epoch(rawValue: 3),
                workers: names,
                layers: counts.map { Array(repeating: entry, count: $0) }
            )
        )
    }

    private func evaluate(_ setup: InProcessCluster.Setup) async throws -> EvaluationReply {
        try await InProcessCluster.run(setup) { cluster in
            try await TestClient(cluster).evaluate(Self.tokens, top: 16)
        }
    }

    @Test(
        "gives the bits of one process that sums the same shards, and the whole's but for rounding",
        arguments: [[0..<128, 128..<256], [0..<32, 32..<256], [0..<96, 96..<160, 160..<256]]
    )
    func shards(_ shards: [Range<Int>]) async throws {
        let reply = try await evaluate(setup(shards))
        let forward = try WholeModel.demo.forward(shards: shards)
        let local = try EvaluatedLocally(forward, tokens: Self.tokens, top: 16)
        #expect(EvaluatedLocally(reply) == local)
        #expect(try await EvaluatedLocally(evaluate(setup(shards))) == local, "and again")

        let whole = try EvaluatedLocally(WholeModel.demo, tokens: Self.tokens, top: 16)
        for (score, other) in zip(local.scores, whole.scores) {
            let difference = Double(bitPattern: score) - Double(bitPattern: other)
            #expect(abs(difference) < 0.05, "log probabilities differ by rounding only")
        }
    }

    @Test("gives the same bits when some experts lie whole beside others in shards")
    func mixed() async throws {
        var setup = try setup([0..<128, 128..<256])
        let plan = try #require(setup.plan)
        let whole = plan.layers.map { layer in
            layer.enumerated().map { $0 % 2 == 0 ? ExpertEntry.worker($0 / 2 % 2) : $1 }
        }
        setup.plan = Plan(epoch: plan.epoch, workers: plan.workers, layers: whole)
        let first = try await EvaluatedLocally(evaluate(setup))
        #expect(try await EvaluatedLocally(evaluate(setup)) == first)
        setup.settings = ["coordinator.micro-batches": "3"]
        #expect(try await EvaluatedLocally(evaluate(setup)) == first)
    }
}
