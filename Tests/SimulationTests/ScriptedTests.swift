import Cluster
import Coordinator
import Messaging
import Placement
import Settings
import Testing
import Wire

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

    @Test("A simulation leaves nothing behind")
    func leaks() throws {
        weak var cluster: SimulatedCluster?
        weak var network: SimulatedNetwork?
        weak var worker: Process?
        for seed in 1...5 as ClosedRange<UInt64> {
            let fresh = try SimulatedCluster(seed: seed)
            #expect(try fresh.run() == nil)
            (cluster, network, worker) = (fresh, fresh.network, fresh.workers[0].process)
        }
        #expect(cluster == nil)
        #expect(network == nil)
        #expect(worker == nil)
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

    @Test(
        "Experts of a load that another plan overtook are given back",
        arguments: 1...5 as ClosedRange<UInt64>
    )
    func overtakenLoads(seed: UInt64) throws {
        let cluster = try SimulatedCluster(seed: seed, faults: Faults.none)
        let failure = try cluster.run { cluster in
            let trouble = Trouble(cluster)
            // What was loaded waits for the step thread, and meanwhile plans come and go.
            cluster.agenda.after(.seconds(3)) {
                for worker in cluster.workers { worker.slowness = 2000 }
            }
            for index in 1...20 {
                cluster.agenda.after(.seconds(3) + .milliseconds(700 * index)) {
                    trouble.changePlan()
                }
            }
            cluster.agenda.after(.seconds(20)) {
                for worker in cluster.workers { worker.slowness = 1 }
            }
            cluster.agenda.after(.seconds(60)) {
                ResidencyCheck.run(cluster)
                cluster.finish()
            }
        }
        #expect(failure == nil, "seed \(seed)")
    }

    @Test("What workers said that left before there was a plan is forgotten")
    func strangers() throws {
        let cluster = try SimulatedCluster(
            seed: 4,
            faults: Faults.none,
            settings: ["coordinator.workers": "2"]
        )
        let failure = try cluster.run { cluster in
            for worker in cluster.workers { worker.process.isFrozen = true }
            for index in 1...100 {
                cluster.agenda.after(.milliseconds(100 * index)) {
                    cluster.visit(as: "visitor-\(index)")
                }
            }
            cluster.agenda.after(.seconds(15)) {
                // Whoever came since the last one left.
                #expect((cluster.coordinator.control?.knownMachineCount ?? 100) < 5)
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

extension SimulatedCluster {
    /// A worker that says hello, and goodbye a moment later.
    fileprivate func visit(as name: String) {
        let process = Process(name)
        let socket = network.dial(
            .simulatedCoordinator,
            options: SocketOptions(),
            by: process,
            isHarsh: false
        )
        func say(_ message: ControlMessage) {
            do {
                try socket.send(message.encode())
            } catch {
                fail("\(name) could not send: \(error)")
            }
        }
        guard let name = WorkerName(rawValue: name) else { return fail("\(name) is no name") }
        let hello = Hello(
            build: "simulation",
            name: name,
            incarnation: .unnumbered,
            model: model.served.identity,
            heldEpoch: nil,
            heldExpertCount: 0,
            coreCount: 1,
            memoryByteCount: 1 << 30,
            instructionSet: "scalar",
            readBandwidth: 0
        )
        agenda.after(.milliseconds(20)) { say(.hello(hello)) }
        agenda.after(.milliseconds(60)) { say(.goodbye(Goodbye(reason: "just looking"))) }
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
