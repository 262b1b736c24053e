import Model
import Settings
import Testing

@Suite("Settings of lossy workers")
struct LossyTests {
    private func worker(_ values: [String: String]) throws -> WorkerSettings {
        var all = ["worker.memory": "4GiB", "worker.model": "/model.gguf"]
        for (name, value) in values { all["worker.\(name)"] = value.isEmpty ? nil : value }
        return try WorkerSettings.load(commandLine: all, surroundings: surroundings())
    }

    @Test("Nobody is lossy who was not told to be, and no coordinator takes such workers then")
    func defaults() throws {
        #expect(try worker([:]).lossy == nil)
        #expect(try worker(["low-tier": "q2"]).lossy == nil)
        let plain = try CoordinatorSettings.load(surroundings: surroundings())
        #expect(!plain.allowsLossy)
        let told = try CoordinatorSettings.load(
            commandLine: ["coordinator.lossy": "true"],
            surroundings: surroundings()
        )
        #expect(told.allowsLossy)
    }

    @Test("Idle workers load what is expected, unless they are not to")
    func idleLoading() throws {
        let plain = try CoordinatorSettings.load(surroundings: surroundings())
        #expect(plain.loadsWhileIdle)
        let told = try CoordinatorSettings.load(
            commandLine: ["coordinator.idle-loading": "false"],
            surroundings: surroundings()
        )
        #expect(!told.loadsWhileIdle)
    }

    @Test("A kind and a tier are read, and shown")
    func values() throws {
        let settings = try worker(["lossy": "hobbit", "low-tier": "q2"])
        #expect(settings.lossy?.kind == .hobbit && settings.lossy?.tier == .q2)
        #expect(settings.describe()["worker.lossy"]?.value == "hobbit")
        #expect(try worker(["lossy": "resident"]).lossy?.tier == .q3)
    }

    @Test("Hobbit may have no low tier, and who is exact has none anyway")
    func withoutLowTier() throws {
        let hobbit = try worker(["lossy": "hobbit", "low-tier": "none"])
        #expect(hobbit.lossy?.kind == .hobbit && hobbit.lossy?.tier == nil)
        #expect(hobbit.describe()["worker.low-tier"]?.value == "none")
        #expect(try worker(["low-tier": "none"]).lossy == nil)
    }

    @Test("What a worker cannot do is refused with what to do")
    func refusals() {
        let emoe = settingsError { _ = try worker(["lossy": "emoe"]) }
        #expect(emoe?.description.contains("moiety run --lossy emoe") == true)
        let none = settingsError { _ = try worker(["lossy": "resident", "low-tier": "none"]) }
        #expect(none?.description.contains("q4, q3 or q2 where worker.lossy is resident") == true)
        let other = settingsError { _ = try worker(["lossy": "hobbit", "low-tier": "q5"]) }
        #expect(other?.description.contains("q4, q3, q2 or none") == true)
        let unbounded = settingsError { _ = try worker(["lossy": "hobbit", "memory": ""]) }
        #expect(unbounded?.description.contains("given together with worker.memory") == true)
    }
}
