import Cluster
import Model
import Placement
import Testing

@Suite("A replay counts what a step would do")
struct ReplayAgreementTests {
    @Test("The time of a replayed layer is that of its shares", arguments: 0..<200 as Range<UInt64>)
    func sameShares(seed: UInt64) throws {
        var generator = SeededRandom(seed: seed)
        let workerCount = Int.random(in: 2...4, using: &generator)
        let expertCount = Int.random(in: 3...8, using: &generator)
        let topK = Int.random(in: 1...3, using: &generator)
        let plan = Plan(
            epoch: epoch(1),
            workers: try (0..<workerCount).map { try name("w\($0)") },
            layers: [
                (0..<expertCount).map { _ in Self.entry(among: workerCount, &generator) }
            ]
        )
        let rows = (0..<Int.random(in: 1...100, using: &generator)).map { _ in
            Array((0..<expertCount).shuffled(using: &generator).prefix(topK))
        }
        var trace = RoutingTrace(expertCounts: [expertCount], topK: topK)
        trace.append(rows.flatMap { $0.map { UInt16($0) } })
        let workers = plan.workers.map(WorkerDescription.init)
        let costs = CostModel()
        let replay = Replay(plan, over: trace, workers: workers, costs: costs)
        let shares = try splitShares(of: rows, under: plan)
        let expected = shares.map { Self.seconds($0, costs, workers[0]) }.max() ?? 0
        #expect(abs(replay.stepSeconds[0] - expected) < 1e-9, "seed \(seed): \(plan.layers)")
    }

    private static func entry(among workerCount: Int, _ generator: inout SeededRandom)
        -> ExpertEntry
    {
        let some = (0..<workerCount).filter { _ in Bool.random(using: &generator) }
        return some.count > 1 ? .replicas(some) : .worker(some.first ?? 0)
    }

    private static func seconds(
        _ share: WorkerShare,
        _ costs: CostModel,
        _ worker: WorkerDescription
    ) -> Double {
        let distinct = Double(Set(share.pairExperts).count)
        let pairs = Double(share.pairExperts.count)
        return worker.roundTrip / .seconds(1)
            + distinct * (costs.perExpert / .seconds(1))
            + pairs * (costs.perPair / .seconds(1))
            + Double(share.rows.count * costs.rowByteCount) / worker.bandwidth
    }
}
