import Settings
import Testing

@Suite("A simulated cluster, by script")
struct ScriptedTests {
    @Test(
        "Without faults every question is answered rightly",
        arguments: 1...5 as ClosedRange<UInt64>
    )
    func undisturbed(seed: UInt64) throws {
        let cluster = try SimulatedCluster(seed: seed, faults: Faults.none)
        #expect(try cluster.run() == nil, "seed \(seed)")
        for client in cluster.clients {
            #expect(client.outcomes.allSatisfy { $0 == .right || $0.isQueueFull }, "seed \(seed)")
        }
    }

    @Test("The same seed tells the same story", arguments: [3, 87, 322] as [UInt64])
    func determinism(seed: UInt64) throws {
        let stories = try (0..<2).map { _ in
            let cluster = try SimulatedCluster(seed: seed, isTold: true)
            _ = try cluster.run()
            return cluster.story.text
        }
        #expect(stories[0].count > 1000)
        #expect(stories[0] == stories[1])
    }

    @Test("A job waits for missing workers its own time, however long others have waited")
    func patience() throws {
        let cluster = try SimulatedCluster(seed: 4, faults: Faults.none)
        let wait = try cluster.settings(planPath: nil).workerWait
        let failure = try cluster.run { cluster in
            let client = try cluster.makeClient("client")
            for worker in cluster.workers { worker.process.isFrozen = true }
            client.ask(.job(5))
            client.ask(.evaluation(3))
            cluster.agenda.after(wait / 2) {
                client.ask(.job(7))
                client.ask(.evaluation(4))
            }
            cluster.agenda.after(wait / 4 * 5) {
                #expect(client.outcomes.map(\.isFailure) == [true, true, false, false])
                for worker in cluster.workers { worker.process.isFrozen = false }
            }
            cluster.agenda.after(wait + .seconds(60)) {
                #expect(client.outcomes.dropFirst(2) == [.right, .right])
                cluster.finish()
            }
        }
        #expect(failure == nil)
    }

    @Test("A coordinator that closes says of each of a client's requests that it ended")
    func closing() throws {
        let cluster = try SimulatedCluster(seed: 4, faults: Faults.none)
        let failure = try cluster.run { cluster in
            let client = try cluster.makeClient("client")
            let coordinator = cluster.coordinator.process
            cluster.agenda.after(.seconds(5)) {
                coordinator.isFrozen = true
                client.ask(.job(5))
                client.ask(.evaluation(3))
                cluster.coordinator.stop()
            }
            cluster.agenda.after(.seconds(6)) { coordinator.isFrozen = false }
            cluster.agenda.after(.seconds(7)) {
                let closed = "the coordinator is shutting down"
                #expect(client.outcomes == [.failed(closed), .failed(closed)])
                cluster.finish()
            }
        }
        #expect(failure == nil)
    }
}

extension SimulatedClient.Outcome {
    fileprivate var isFailure: Bool {
        if case .failed = self { true } else { false }
    }

    /// Small queues are part of what a seed chooses.
    fileprivate var isQueueFull: Bool {
        guard case .failed(let message) = self else { return false }
        return message.hasPrefix("the queue of ")
    }
}
