import Placement
import Testing

/// What operators read at info and above; docs/ERRORS.md tells them how.
@Suite("The log tells the story of the cluster")
struct LogTests {
    @Test("A worker that joins, sleeps, dies, comes back and leaves: each change is told once")
    func workerStory() throws {
        let cluster = try SimulatedCluster(
            seed: 4,
            faults: Faults.none,
            settings: ["coordinator.recovery-wait": "1h"],
            isTold: true
        )
        let failure = try cluster.run { cluster in
            let worker = cluster.workers[0]
            cluster.agenda.after(.seconds(10)) { worker.process.isFrozen = true }
            cluster.agenda.after(.seconds(20)) { worker.process.isFrozen = false }
            cluster.agenda.after(.seconds(30)) { worker.crash(isNoticed: true) }
            cluster.agenda.after(.seconds(40)) { cluster.startAgain { try worker.start() } }
            cluster.agenda.after(.seconds(50)) { worker.drain() }
            cluster.agenda.after(.seconds(50) + .milliseconds(9)) { cluster.finish() }
        }
        #expect(failure == nil)
        let joined = ["info Worker joined w1", "info Worker loading w1", "info Worker ready w1"]
        let lost = ["warning Worker lost w1", "notice Cluster not ready"]
        #expect(
            cluster.story.log(of: "coordinator", about: "w1")
                == [joined[0], "notice Plan made", joined[1], joined[2], "notice Cluster ready"]
                + lost + ["info Worker back w1", "info Worker ready w1", "notice Cluster ready"]
                + lost + joined + ["notice Cluster ready"]
                + ["notice Cluster not ready", "notice Worker left w1"]
        )
        let started = [
            "info Worker started", "info Joined the cluster", "info Loading experts",
            "info Experts loaded",
        ]
        #expect(
            cluster.story.log(of: "w1", about: "w1")
                == started + [
                    "warning Nothing heard of the coordinator; it is looked for until it is back",
                    "info Joined the cluster",
                ]
                + started
                + ["notice Worker stopping, after the shares it was sent", "notice Worker stopped"]
        )
    }

    @Test("A stranger and a second worker of one name knock for minutes and are told of once")
    func refusals() throws {
        let cluster = try SimulatedCluster(seed: 4, faults: Faults.none, isTold: true)
        let names = ["stranger", "w1"].compactMap { WorkerName(rawValue: $0) }
        let guests = names.map { WorkerHost($0, in: cluster) }
        let failure = try cluster.run { cluster in
            cluster.agenda.after(.seconds(20)) {
                cluster.startAgain { for guest in guests { try guest.start() } }
            }
            cluster.agenda.after(.seconds(140)) { cluster.finish() }
        }
        #expect(failure == nil)
        #expect(guests.allSatisfy { $0.lifeCount == 1 })
        let refused = "Refused by the coordinator"
        #expect(
            cluster.story.log(of: "stranger", about: "stranger")
                == ["info Worker started", "warning \(refused)"]
        )
        #expect(
            cluster.story.log(of: "coordinator", about: "stranger").suffix(1)
                == ["warning Worker refused stranger"]
        )
        // A restart passes through this; only what lasts is for somebody to look at.
        #expect(
            cluster.story.log(of: "coordinator", about: "w1").suffix(2)
                == ["notice Worker refused w1", "warning Worker refused w1"]
        )
        #expect(
            cluster.story.log(of: "w1", about: "w1").suffix(3)
                == ["info Worker started", "notice \(refused)", "warning \(refused)"]
        )
    }
}
