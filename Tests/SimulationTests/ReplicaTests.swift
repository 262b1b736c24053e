import Cluster
import Coordinator
import Model
import Placement
import Testing

@Suite("A cluster that holds every expert twice")
struct ReplicaTests {
    @Test(
        "answers everything rightly, whatever happens to one worker after another",
        arguments: 1...12 as ClosedRange<UInt64>
    )
    func oneAfterAnother(seed: UInt64) throws {
        let cluster = try SimulatedCluster(
            seed: seed,
            faults: Faults.none,
            settings: ["coordinator.queued-jobs": "1000", "coordinator.worker-wait": "12s"],
            workerCount: 3
        )
        try cluster.usePlan(Self.pairs(of: cluster))
        let failure = try cluster.run { cluster in
            let client = try cluster.makeClient("client")
            for index in 1...60 {
                cluster.agenda.after(.milliseconds(500 * index)) {
                    client.ask(.random(cluster.chance))
                }
            }
            Self.disturb(cluster, with: Trouble(cluster))
            cluster.agenda.after(.seconds(50)) {
                #expect(client.outcomes.allSatisfy { $0 == .right }, "\(client.outcomes)")
                cluster.finish()
            }
        }
        #expect(failure == nil, "seed \(seed)")
        #expect(cluster.faultCount > 3, "seed \(seed)")
    }

    /// Each expert on two of three workers.
    private static func pairs(of cluster: SimulatedCluster) -> Plan {
        let layers = cluster.model.served.description.expertCounts.map { count in
            (0..<count).map { ExpertEntry.replicas([$0 % 3, ($0 + 1) % 3].sorted()) }
        }
        let names = cluster.workers.map(\.name)
        return Plan(epoch: Epoch(rawValue: 1), workers: names, layers: layers)
    }

    /// The next fault strikes when all are back from the last.
    private static func disturb(_ cluster: SimulatedCluster, with trouble: Trouble) {
        let kinds: [Faults.Kind] = [
            .workerCrash, .workerPowerLoss, .workerFreeze, .workerDrain, .brokenConnection,
            .partition,
        ]
        cluster.agenda.after(cluster.chance.time(100_000...1_000_000)) {
            guard cluster.agenda.now < Instant(nanoseconds: 30_000_000_000) else { return }
            let status = cluster.coordinator.control?.status ?? ""
            if status.hasPrefix("ready: 3 workers"), let kind = cluster.chance.pick(kinds) {
                trouble.strike(kind)
            }
            disturb(cluster, with: trouble)
        }
    }
}
