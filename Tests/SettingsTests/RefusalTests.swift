import Settings
import Testing

@Suite("What settings refuse")
struct RefusalTests {
    @Test("A misspelt key in a file is refused with the nearest known one")
    func misspeltKey() throws {
        try withFile("coordinator:\n  heartbeat-intervall: 1s\n") { path in
            let error = settingsError {
                _ = try CoordinatorSettings.load(file: path, surroundings: surroundings())
            }
            #expect(
                error
                    == .unknownKey(
                        "coordinator.heartbeat-intervall",
                        origin: .file(path: path),
                        nearest: "coordinator.heartbeat-interval"
                    )
            )
            #expect(
                error?.description
                    == "unknown setting coordinator.heartbeat-intervall (file \(path)):"
                    + " did you mean coordinator.heartbeat-interval?"
            )
        }
    }

    @Test(
        "Whatever is not a known key is refused, plain sections and lists included",
        arguments: [
            ("colour: red\n", "colour"),
            ("coordinator: 5\n", "coordinator"),
            ("coordinator:\n  threads:\n    most: 5\n", "coordinator.threads.most"),
            ("cordinator:\n  threads: 5\n", "cordinator.threads"),
        ]
    )
    func unknownKey(text: String, key: String) throws {
        try withFile(text) { path in
            let error = settingsError {
                _ = try CoordinatorSettings.load(file: path, surroundings: surroundings())
            }
            guard case .unknownKey(key, origin: .file(path), nearest: _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test("An override for a key that does not exist is refused")
    func unknownOverride() {
        let error = settingsError {
            _ = try WorkerSettings.load(
                commandLine: ["worker.model-path": "x"],
                surroundings: surroundings()
            )
        }
        #expect(
            error == .unknownKey("worker.model-path", origin: .commandLine, nearest: "worker.model")
        )
    }

    @Test("One file may serve both daemons, and a section may be empty")
    func sharedFile() throws {
        try withFile("coordinator:\n  threads: 2\nworker:\n  # threads: 3\n") { path in
            let coordinator = try CoordinatorSettings.load(
                file: path,
                surroundings: surroundings()
            )
            let worker = try WorkerSettings.load(file: path, surroundings: surroundings())
            #expect(coordinator.threadCount == 2)
            #expect(worker.threadCount == 0)
        }
    }

    @Test(
        "A certificate without its key is refused, and so is a key alone",
        arguments: ["tls-certificate", "tls-key"]
    )
    func halfOfTLS(name: String) {
        let error = settingsError {
            _ = try CoordinatorSettings.load(
                commandLine: ["coordinator.\(name)": "x.pem"],
                surroundings: surroundings()
            )
        }
        guard case .invalidValue("coordinator.\(name)", .commandLine, "x.pem", _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("TLS lets nobody in: beyond this machine there must be keys all the same")
    func beyondLoopback() throws {
        var given = [
            "coordinator.http-endpoint": "tcp://0.0.0.0:6643",
            "coordinator.tls-certificate": "x.crt", "coordinator.tls-key": "x.key",
        ]
        let error = settingsError {
            _ = try CoordinatorSettings.load(commandLine: given, surroundings: surroundings())
        }
        guard case .invalidValue("coordinator.http-endpoint", _, _, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        given["coordinator.api-keys"] = "keys"
        let settings = try CoordinatorSettings.load(
            commandLine: given,
            surroundings: surroundings()
        )
        #expect(settings.http.tls?.keyPath.hasSuffix("x.key") == true)
    }

    @Test("Variables that an orchestrator makes up are left alone")
    func foreignVariables() throws {
        let settings = try CoordinatorSettings.load(
            surroundings: surroundings(["MOIETY_COORDINATOR_SERVICE_HOST": "10.0.0.1"])
        )
        #expect(settings.threadCount == 0)
    }

    @Test(
        "A value outside its range is refused by key, origin and value",
        arguments: [
            ("threads", "-1"), ("threads", "1025"), ("threads", "two"), ("threads", "1.5"),
            ("threads", "99999999999999999999"), ("context-length", "15"),
            ("running-jobs", "0"), ("share-time", "5"), ("share-time", "5 s"),
            ("share-time", "-5s"), ("share-time", "0s"), ("share-time", "99999999999999999999s"),
            ("share-time", "9223372036854775807h"), ("share-time", "2d"), ("log-level", "loud"),
            ("profile-save-interval", "500ms"), ("profile-save-interval", "25h"),
            ("workers", "0"), ("workers", "a,,b"), ("workers", "a,a"), ("workers", "a,5"),
            ("workers", "a b"), ("worker-endpoint", "127.0.0.1:6644"),
            ("worker-endpoint", "tcp://127.0.0.1"), ("worker-endpoint", "tcp://:6644"),
            ("worker-endpoint", "tcp://a:65536"), ("worker-endpoint", "udp://a:1"),
            ("worker-endpoint", "tcp://a:+1"), ("worker-endpoint", "ipc://"),
            ("worker-endpoint", "tcp://ä:1"), ("worker-endpoint", "tcp://a:*"),
            ("worker-endpoint", "tcp://a:01"), ("silence-limit", "301s"),
        ]
    )
    func outOfRange(name: String, value: String) {
        let key = "coordinator.\(name)"
        let error = settingsError {
            _ = try CoordinatorSettings.load(
                commandLine: [key: value],
                surroundings: surroundings()
            )
        }
        guard case .invalidValue(key, origin: .commandLine, value: value, allowed: _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("A silence limit under two heartbeats is refused and says why")
    func silenceAgainstHeartbeat() {
        let error = settingsError {
            _ = try CoordinatorSettings.load(
                surroundings: surroundings(["MOIETY_COORDINATOR_HEARTBEAT_INTERVAL": "1s"])
            )
        }
        #expect(
            error?.description
                == "coordinator.silence-limit = \"1500ms\" (default) must be at least twice"
                + " coordinator.heartbeat-interval, which is 1s"
        )
    }

    @Test("A worker cannot connect to a wildcard port")
    func wildcardToConnect() {
        let error = settingsError {
            _ = try WorkerSettings.load(
                commandLine: ["worker.coordinator": "tcp://10.0.0.1:0"],
                surroundings: surroundings()
            )
        }
        #expect(error?.description.contains("must be tcp://HOST:PORT, ipc") == true)
    }

    @Test("A model that nobody named is asked for with every way to give it")
    func missingModel() throws {
        let settings = try CoordinatorSettings.load(surroundings: surroundings())
        let error = settingsError { _ = try settings.requiredModelPath() }
        #expect(error == .missingValue(key: "coordinator.model"))
        #expect(error?.description.contains("MOIETY_COORDINATOR_MODEL") == true)
    }
}
