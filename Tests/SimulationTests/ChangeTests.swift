import Cluster
import Coordinator
import Placement
import Testing

@Suite("A cluster whose plan changes all the time")
struct ChangeTests {
    @Test(
        "answers everything rightly, and holds in the end what the last plan says",
        arguments: 1...12 as ClosedRange<UInt64>,
        [Cutting.none, .alike, .mixed]
    )
    func changes(seed: UInt64, cutting: Cutting) throws {
        let cluster = try SimulatedCluster(
            seed: seed,
            faults: Faults.none,
            settings: ["coordinator.queued-jobs": "1000"],
            workerCount: 3,
            cutting: cutting
        )
        let failure = try cluster.run { cluster in
            let client = try cluster.makeClient("client")
            let trouble = Trouble(cluster)
            cluster.agenda.after(.seconds(5)) {
                for index in 0..<60 {
                    cluster.agenda.after(.milliseconds(500 * index)) {
                        client.ask(.random(cluster.chance))
                        trouble.changePlanLive()
                    }
                }
            }
            cluster.agenda.after(.seconds(60)) {
                #expect(client.outcomes.allSatisfy { $0 == .right }, "\(client.outcomes)")
                let status = cluster.coordinator.control?.status ?? ""
                #expect(status.hasPrefix("ready: 3 workers, epoch "), "\(status)")
                // Each change takes two epochs, one for loading and one for what comes into force.
                let epoch = status.split(separator: " ").last.flatMap { Int($0) } ?? 0
                #expect(epoch > 8, "\(status)")
                ResidencyCheck.run(cluster)
                cluster.finish()
            }
        }
        #expect(failure == nil, "seed \(seed)")
    }
}
