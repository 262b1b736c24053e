import ClusterTesting
import Foundation
import Testing

/// A cluster whose connections have keys, listening where other machines could connect.
@Suite("A cluster with keys", .serialized) struct KeyClusterTests {
    private static let prompt = "the cat sat on"

    /// Keys in a directory of their own, and a coordinator and a worker that use them.
    private final class Keyed {
        let directory: TemporaryFile
        private(set) var coordinator: ClusterProcess?
        private var worker: ClusterProcess?
        private(set) var client = ""
        private var workers = ""

        init() throws {
            directory = try TemporaryFile("keys")
            try FileManager.default.createDirectory(
                atPath: path(""),
                withIntermediateDirectories: true
            )
        }

        func path(_ name: String) -> String { "\(directory.path)-keys/\(name)" }

        func make(_ name: String, role: String?) async throws {
            let made = try await Command.run(["keys", "new", path(name)])
            #expect(made.status == 0, "\(made.errors)")
            guard let role else { return }
            let enrolled = try await Command.run([
                "keys", "enrol", path(name) + ".pub", "--role", role, "--name", name, "--list",
                path("allowed"),
            ])
            #expect(enrolled.status == 0, "\(enrolled.errors)")
        }

        func start() async throws {
            let coordinator = try ClusterProcess(
                "moiety-coordinator",
                [
                    "--model", WholeModel.demoPath, "--workers", "1", "--threads", "1",
                    "--worker-endpoint", "tcp://0.0.0.0:0", "--data-endpoint", "tcp://0.0.0.0:0",
                    "--chunk-endpoint", "tcp://0.0.0.0:0", "--client-endpoint", "tcp://0.0.0.0:0",
                    "--state-directory", path("state"), "--key-file", path("coordinator"),
                    "--allowed-keys", path("allowed"),
                ]
            )
            self.coordinator = coordinator
            client = try await port("client-endpoint")
            workers = try await port("worker-endpoint")
        }

        /// Where the coordinator is reached from here, once it listens.
        private func port(_ name: String) async throws -> String {
            try await ClusterProcess.wait {
                FileManager.default.fileExists(atPath: path("state/\(name)"))
            }
            let text = try String(contentsOfFile: path("state/\(name)"), encoding: .utf8)
            let port = text.trimmingCharacters(in: .newlines).split(separator: ":").last ?? ""
            return "tcp://127.0.0.1:\(port)"
        }

        /// A worker without a file of its own: its experts come over the third connection.
        func startWorker(key: String) throws {
            worker = try ClusterProcess(
                "moiety-worker",
                [
                    "--name", "alpha", "--coordinator", workers, "--threads", "1",
                    "--state-directory", path("worker"), "--cache-directory", path("cache"),
                    "--key-file", path(key), "--coordinator-key", path("coordinator.pub"),
                ]
            )
        }

        func command(_ arguments: [String], key: String?) async throws -> Command {
            let keys = key.map {
                ["--key-file", path($0), "--coordinator-key", path("coordinator.pub")]
            }
            return try await Command.run(
                arguments + ["--coordinator", client] + (keys ?? [])
            )
        }
    }

    @Test("Whoever has the right key gets answers, and nobody else anything")
    func roles() async throws {
        let cluster = try Keyed()
        try await cluster.make("coordinator", role: nil)
        try await cluster.make("worker", role: "worker")
        try await cluster.make("user", role: "client")
        try await cluster.make("operator", role: "admin")
        try await cluster.make("stranger", role: nil)
        try await cluster.start()
        try cluster.startWorker(key: "worker")
        let ready = try await cluster.command(["status", "--wait"], key: "user")
        #expect(ready.status == 0, "\(ready.errors)")

        let options = ["submit", "--follow", "-p", Self.prompt, "-n", "12", "--temp", "0"]
        let answer = try await cluster.command(options, key: "user")
        let local = try await Command.run([
            "run", "-m", WholeModel.demoPath, "-p", Self.prompt, "-n", "12", "--temp", "0",
        ])
        #expect(answer.status == 0 && answer.output == local.output, "\(answer.errors)")

        let drain = ["admin", "drain", "alpha"]
        let forbidden = try await cluster.command(drain, key: "user")
        #expect(forbidden.status != 0 && forbidden.errors.contains("admin"), "\(forbidden.errors)")
        let allowed = try await cluster.command(drain, key: "operator")
        #expect(allowed.errors.contains("nobody else"), "\(allowed.errors)")

        for key in ["stranger", "worker", nil] {
            let outside = try await cluster.command(["status"], key: key)
            #expect(outside.status == 2, "\(outside.errors)")
            #expect(outside.errors.contains("key"), "\(outside.errors)")
        }
        let log = try #require(cluster.coordinator).logText
        #expect(log.contains("Connection refused") && log.contains("its key is not listed"))
        #expect(log.contains("'worker' is listed as worker"))

        let revoked = try await Command.run([
            "keys", "revoke", "user", "--list", cluster.path("allowed"),
        ])
        #expect(revoked.status == 0, "\(revoked.errors)")
        #expect(try await cluster.command(["status"], key: "user").status == 2)
        #expect(try await cluster.command(["status"], key: "operator").status == 0)
    }

    @Test("Commands about keys say what is wrong with them")
    func mistakes() async throws {
        let cluster = try Keyed()
        try await cluster.make("coordinator", role: nil)
        let twice = try await Command.run(["keys", "new", cluster.path("coordinator")])
        #expect(twice.status == 78 && twice.errors.contains("already"), "\(twice.errors)")
        let shown = try await Command.run(["keys", "show", cluster.path("coordinator")])
        let file = try String(contentsOfFile: cluster.path("coordinator.pub"), encoding: .utf8)
        #expect(shown.status == 0 && shown.output == file)
        let missing = try await Command.run(["keys", "list", "--list", cluster.path("none")])
        #expect(missing.status == 78 && missing.errors.contains("none"), "\(missing.errors)")
        let open = try await Command.run(["status"], environment: ["MOIETY_KEY_FILE": "/dev/null"])
        #expect(open.status == 64 && open.errors.contains("--coordinator-key"), "\(open.errors)")
        let unguarded = try ClusterProcess(
            "moiety-coordinator",
            [
                "--model", WholeModel.demoPath, "--worker-endpoint", "tcp://0.0.0.0:0",
                "--state-directory", cluster.path("state"),
            ]
        )
        #expect(await unguarded.ended() == 78)
        #expect(unguarded.logText.contains("allowed-keys"))
    }
}
