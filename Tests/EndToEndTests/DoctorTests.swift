import ClusterTesting
import Foundation
import Testing

/// `moiety doctor`, before there is a coordinator and beside one.
@Suite("moiety doctor", .serialized) struct DoctorTests {
    /// Settings of both daemons, at sockets of the test's own.
    private struct Place {
        let directory: TemporaryFile
        var settings: String { directory.path + ".yaml" }
        var workers: String { "ipc://\(directory.path)-workers" }
        var clients: String { "ipc://\(directory.path)-clients" }

        init(model: String) throws {
            directory = try TemporaryFile("doctor")
            let text = """
                coordinator:
                  model: \(model)
                  worker-endpoint: \(workers)
                  client-endpoint: \(clients)
                  data-endpoint: ipc://\(directory.path)-data
                  chunk-endpoint: ipc://\(directory.path)-chunks
                  http-endpoint: none
                  threads: 1
                  state-directory: \(directory.path)
                worker:
                  name: alpha
                  coordinator: \(workers)
                  cache-directory: \(directory.path)-cache
                  cache-size: 0
                """
            try Data(text.utf8).write(to: URL(filePath: settings))
        }

        /// The states of one topic's findings, and the exit code.
        func findings(of daemon: String, _ topic: String) async throws -> ([String], Int32) {
            let command = try await Command.run([
                "doctor", daemon, "--config", settings, "--json",
            ])
            let findings = try #require(try command.object["findings"] as? [[String: Any]])
            #expect(findings.allSatisfy { $0["text"] as? String != nil })
            let states = findings.filter { $0["topic"] as? String == topic }
                .compactMap { $0["state"] as? String }
            return (states, command.status)
        }
    }

    @Test(
        "Before there is a coordinator its ports are free, and a worker is told that none answers"
    )
    func before() async throws {
        let place = try Place(model: WholeModel.demoPath)
        #expect(
            try await place.findings(of: "coordinator", "ports") == (["ok", "ok", "ok", "ok"], 0)
        )
        #expect(try await place.findings(of: "coordinator", "model").0 == ["ok"])
        #expect(try await place.findings(of: "coordinator", "cluster").0 == ["warn"])
        #expect(try await place.findings(of: "worker", "coordinator") == (["fail"], 1))
    }

    @Test("Beside a coordinator its ports are its own, and a worker would be let in")
    func beside() async throws {
        let place = try Place(model: WholeModel.demoPath)
        let coordinator = try ClusterProcess("moiety-coordinator", ["--config", place.settings])
        try await ClusterProcess.wait { coordinator.logText.contains("Coordinator listens") }
        #expect(
            try await place.findings(of: "coordinator", "ports") == (["ok", "ok", "ok", "ok"], 0)
        )
        #expect(try await place.findings(of: "coordinator", "version").0 == ["ok"])
        #expect(try await place.findings(of: "worker", "coordinator") == (["ok"], 0))
        coordinator.kill(SIGTERM)
        #expect(await coordinator.ended() == 0)
    }

    @Test("A model that is none is told with the reason, people get lines with what to do")
    func text() async throws {
        let place = try Place(model: "/dev/null")
        let command = try await Command.run(["doctor", "coordinator", "--config", place.settings])
        #expect(command.status == 1)
        #expect(command.output.contains("fail  model"))
        #expect(command.output.contains("-> see docs/ERRORS.md"))
        let unknown = try await Command.run(["doctor", "--config", place.settings])
        #expect(unknown.status == 64)
    }
}
