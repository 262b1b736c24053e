import Settings
import Testing

@Suite("Settings that are read anew while a daemon runs")
struct ChangesTests {
    private func settings(_ variables: [String: String] = [:]) throws -> [DescribedSetting] {
        try CoordinatorSettings.load(surroundings: surroundings(variables)).describe()
    }

    @Test("The same settings are no change")
    func same() throws {
        let changes = SettingsChanges(from: try settings(), to: try settings())
        #expect(changes.taken == [])
        #expect(changes.waiting == [])
        #expect(changes.inForce == (try settings()))
    }

    @Test("The log's level is taken, what threads and sockets are made of waits for a start")
    func both() throws {
        let new = try settings([
            "MOIETY_COORDINATOR_LOG_LEVEL": "debug", "MOIETY_COORDINATOR_THREADS": "3",
            "MOIETY_COORDINATOR_PLAN": "/plan.json",
        ])
        let changes = SettingsChanges(from: try settings(), to: new)
        #expect(changes.taken.map(\.description) == ["coordinator.log-level (info to debug)"])
        #expect(
            changes.waiting.map(\.description) == [
                "coordinator.plan (not set to /plan.json)", "coordinator.threads (0 to 3)",
            ]
        )
        #expect(changes.inForce["coordinator.log-level"]?.value == "debug")
        #expect(changes.inForce["coordinator.threads"]?.value == "0")
    }

    @Test("What waits is told again until the daemon is started again")
    func again() throws {
        let new = try settings([
            "MOIETY_COORDINATOR_LOG_LEVEL": "debug", "MOIETY_COORDINATOR_THREADS": "3",
        ])
        let first = SettingsChanges(from: try settings(), to: new)
        let second = SettingsChanges(from: first.inForce, to: new)
        #expect(second.taken == [])
        #expect(second.waiting.map(\.key) == ["coordinator.threads"])
        let back = SettingsChanges(from: first.inForce, to: try settings())
        #expect(back.taken.map(\.new) == ["info"])
        #expect(back.waiting == [])
    }

    @Test("Another place of the same value is no change")
    func places() throws {
        let new = try settings(["MOIETY_COORDINATOR_LOG_LEVEL": "info"])
        #expect(SettingsChanges(from: try settings(), to: new).taken == [])
    }
}
