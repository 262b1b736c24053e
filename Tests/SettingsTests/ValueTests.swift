import Cluster
import Placement
import Settings
import Testing

@Suite("Values of settings")
struct ValueTests {
    @Test(
        "Times take a whole number and a unit, and print in the largest exact one",
        arguments: [
            ("500ms", Duration.milliseconds(500), "500ms"),
            ("2000ms", .seconds(2), "2s"),
            ("90s", .seconds(90), "90s"),
            ("1m", .seconds(60), "1m"),
            ("1h", .seconds(3600), "1h"),
        ]
    )
    func durations(text: String, duration: Duration, printed: String) throws {
        let key = "coordinator.share-time"
        let settings = try CoordinatorSettings.load(
            commandLine: [key: text],
            surroundings: surroundings()
        )
        #expect(settings.shareTime == duration)
        #expect(settings.describe()[key]?.value == printed)
    }

    @Test(
        "CPUs are numbers and ranges with commas, or a YAML list",
        arguments: [("0", [0]), ("3,1", [3, 1]), ("0-3", [0, 1, 2, 3]), ("4, 0-1", [4, 0, 1])]
    )
    func cpus(text: String, cpus: [Int]) throws {
        let around = surroundings(["MOIETY_WORKER_CPUS": text])
        #expect(try WorkerSettings.load(surroundings: around).cpus == cpus)
        let given = ["coordinator.cpus": text]
        let settings = try CoordinatorSettings.load(
            commandLine: given,
            surroundings: surroundings()
        )
        #expect(settings.cpus == cpus)
        let printed = cpus.map(String.init).joined(separator: ",")
        #expect(settings.describe()["coordinator.cpus"]?.value == printed)
        try withFile("worker:\n  cpus: [\(printed)]\n") { path in
            let listed = try WorkerSettings.load(file: path, surroundings: surroundings())
            #expect(listed.cpus == cpus)
        }
    }

    @Test(
        "What is no list of CPUs is refused",
        arguments: [",", "0,", "a", "-1", "0-", "3-1", "0-1-2", "1 0", "0,0", "0-2,1", "1024"]
    )
    func badCPUs(text: String) {
        let error = settingsError {
            _ = try WorkerSettings.load(
                commandLine: ["worker.cpus": text],
                surroundings: surroundings()
            )
        }
        #expect(
            error
                == .invalidValue(
                    key: "worker.cpus",
                    origin: .commandLine,
                    value: text,
                    allowed: CPUList.allowed
                )
        )
        #expect(CPUList.cpus(of: text) == nil)
    }

    @Test(
        "Bytes are whole numbers with a unit of thousands, or none",
        arguments: [
            ("0", 0, "0"), ("1500", 1500, "1500"), ("2000", 2000, "2kB"),
            ("20GB", 20_000_000_000, "20GB"),
            ("1000GB", 1_000_000_000_000, "1TB"),
            ("9000000TB", 9_000_000_000_000_000_000, "9000000TB"),
        ]
    )
    func byteCounts(text: String, byteCount: Int, written: String) throws {
        let settings = try WorkerSettings.load(
            commandLine: ["worker.cache-size": text],
            surroundings: surroundings()
        )
        #expect(settings.cacheByteCount == byteCount)
        #expect(settings.describe()["worker.cache-size"]?.value == written)
    }

    @Test(
        "Bytes of no number, no unit that we know, or too many are refused",
        arguments: [
            "GB", "-1", "1.5GB", "1 GB", "1Gi", "1gib", "1gb", "10000000TB", "99999999999999999999",
        ]
    )
    func notByteCounts(text: String) {
        let error = settingsError {
            _ = try WorkerSettings.load(
                commandLine: ["worker.cache-size": text],
                surroundings: surroundings()
            )
        }
        #expect(error?.description.contains("500MB, 20GB or 1TB") == true, "\(text)")
    }

    @Test("The limits of the state machines are filled")
    func limits() throws {
        let settings = try CoordinatorSettings.load(
            commandLine: [
                "coordinator.heartbeat-interval": "100ms",
                "coordinator.silence-limit": "800ms",
                "coordinator.share-time": "7s",
            ],
            surroundings: surroundings()
        )
        #expect(settings.membershipLimits.heartbeatInterval == .milliseconds(100))
        #expect(settings.membershipLimits.suspicionTime == .milliseconds(400))
        #expect(settings.membershipLimits.silenceLimit == .milliseconds(800))
        #expect(settings.exchangeLimits.answerTime == .seconds(7))
    }

    @Test("Jobs come in by objectives, or by arrival where that is said")
    func admission() throws {
        let key = "coordinator.admission"
        func order(_ given: [String: String]) throws -> AdmissionOrder {
            try CoordinatorSettings.load(commandLine: given, surroundings: surroundings()).admission
        }
        #expect(try order([:]) == .objectives)
        for wanted in AdmissionOrder.allCases {
            #expect(try order([key: wanted.rawValue]) == wanted)
        }
        let error = settingsError { _ = try order([key: "luck"]) }
        #expect(error?.description.contains("one of objectives, arrival") == true)
    }

    @Test("No wait at all is a wait")
    func zeroWait() throws {
        let settings = try CoordinatorSettings.load(
            commandLine: ["coordinator.worker-wait": "0s"],
            surroundings: surroundings()
        )
        #expect(settings.workerWait == .zero)
        #expect(settings.describe()["coordinator.worker-wait"]?.value == "0ms")
    }

    @Test("Workers are a count, a YAML list, or names with commas in the environment")
    func expectedWorkers() throws {
        let names = try ["a", "b-2"].map { try #require(WorkerName(rawValue: $0)) }
        let variable = "MOIETY_COORDINATOR_WORKERS"
        let counted = try CoordinatorSettings.load(surroundings: surroundings([variable: "3"]))
        #expect(counted.expectedWorkers == .count(3))
        let named = try CoordinatorSettings.load(surroundings: surroundings([variable: "a, b-2"]))
        #expect(named.expectedWorkers == .names(names))
        try withFile("coordinator:\n  workers: [a, b-2]\n") { path in
            let listed = try CoordinatorSettings.load(file: path, surroundings: surroundings())
            #expect(listed.expectedWorkers == .names(names))
            #expect(listed.expectedWorkers.count == 2)
            #expect(listed.describe()["coordinator.workers"]?.value == "a,b-2")
        }
    }

    @Test(
        "The data endpoint follows the worker endpoint's interface",
        arguments: [
            ("tcp://10.0.0.1:6644", "tcp://10.0.0.1:0"),
            ("tcp://[::1]:6644", "tcp://[::1]:0"),
            ("ipc:///run/moiety/workers", "ipc:///run/moiety/workers.data"),
            ("inproc://workers", "inproc://workers.data"),
        ]
    )
    func dataEndpoint(worker: String, data: String) throws {
        let settings = try CoordinatorSettings.load(
            commandLine: ["coordinator.worker-endpoint": worker],
            surroundings: surroundings()
        )
        #expect(settings.dataEndpoint.rawValue == data)
    }

    @Test(
        "A worker is called like its machine, with dashes for what a name may not have",
        arguments: [
            ("node-7.example", "node-7.example"),
            ("ada's box", "ada-s-box"),
            ("köln", "k-ln"),
            (String(repeating: "x", count: 100), String(repeating: "x", count: 64)),
        ]
    )
    func workerName(hostName: String, name: String) throws {
        var around = surroundings()
        around.hostName = hostName
        #expect(try WorkerSettings.load(surroundings: around).name.rawValue == name)
    }

    @Test("A machine without a name needs the worker to be named")
    func namelessMachine() {
        var around = surroundings()
        around.hostName = ""
        let error = settingsError { _ = try WorkerSettings.load(surroundings: around) }
        #expect(error == .missingValue(key: "worker.name"))
    }

    @Test("The process's own surroundings have a home and a machine name")
    func ownSurroundings() {
        #expect(Surroundings.current.variables["HOME"]?.isEmpty == false)
        #expect(!Surroundings.current.hostName.isEmpty)
    }
}
