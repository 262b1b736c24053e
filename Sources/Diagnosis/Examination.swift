import Cluster
import Messaging
import Model
import Placement
public import Settings

/// What was found out about a coordinator's machine.
public struct CoordinatorExamination: Sendable {
    public var machine: MachineFacts
    public var locksMemory: Bool
    public var model: ModelFacts
    public var keys: KeyFacts
    public var ports: [PortFacts]
    public var state: DiskFacts
    /// Names of workers that are expected; empty where any will do.
    public var workers: [String]
    /// Nil where no coordinator answers.
    public var answer: AnswerFacts?

    /// A plan, its history, and the digests of a large model's experts.
    private static let stateByteCount: UInt64 = 1_000_000_000

    public init(_ settings: CoordinatorSettings, answer: AnswerFacts?) {
        machine = .current
        locksMemory = settings.locksMemory
        model = ModelFacts(path: settings.modelPath)
        keys = KeyFacts(settings)
        ports = PortFacts.all(of: settings)
        state = DiskFacts(
            purpose: "state",
            path: settings.stateDirectory,
            limit: Self.stateByteCount
        )
        workers =
            switch settings.expectedWorkers {
            case .names(let names): names.map(\.rawValue)
            case .count: []
            }
        self.answer = answer
    }

    public func findings(build: String) -> [Finding] {
        let cluster =
            answer?.findings(build: build) ?? [
                .warn(
                    "cluster",
                    "no coordinator answers here",
                    "systemctl start moiety-coordinator; --key-file where it has keys"
                )
            ]
        return machine.findings + [machine.lockedMemory(isWanted: locksMemory)].compactMap(\.self)
            + model.findings(machine: machine, workerMemory: answer?.workerMemory)
            + keys.findings(expecting: workers)
            + ports.map { $0.finding(isServed: answer != nil) } + [state.finding] + cluster
    }
}

/// What was found out about a worker's machine.
public struct WorkerExamination: Sendable {
    /// Whether a connection to the coordinator stands that worker and coordinator agree to.
    public enum Reach: Equatable, Sendable {
        case reached(in: Duration)
        case unreached(String)
    }

    public var machine: MachineFacts
    public var locksMemory: Bool
    /// Where one is named.
    public var model: ModelFacts
    public var keys: KeyFacts
    public var cache: DiskFacts
    /// How the worker gives accuracy for speed; nil where it is exact.
    public var lossy: String?
    public var coordinator: String
    public var reach: Reach

    /// - Parameter patience: how long the coordinator may take to let the worker in.
    public init(_ settings: WorkerSettings, patience: Duration = .seconds(5)) {
        machine = .current
        locksMemory = settings.locksMemory
        model = ModelFacts(path: settings.modelPath)
        keys = KeyFacts(settings)
        cache = DiskFacts(
            purpose: "cache",
            path: settings.cacheDirectory,
            limit: UInt64(clamping: settings.cacheByteCount)
        )
        lossy = settings.lossy.map { $0.kind.words(lowTier: $0.tier?.rawValue) }
        coordinator = settings.coordinatorEndpoint.rawValue
        reach = Self.reach(settings, patience: patience)
    }

    /// Connects with the worker's key, says nothing, and hangs up.
    private static func reach(_ settings: WorkerSettings, patience: Duration) -> Reach {
        do {
            var options = SocketOptions()
            options.security = try settings.keys.map { keys throws(KeyError) in
                try SocketSecurity.client(
                    keyPath: keys.keyPath,
                    coordinatorKeyPath: keys.coordinatorKeyPath
                )
            }
            let socket = try Socket(.dealer, in: MessagingContext(), options: options)
            let start = ContinuousClock.now
            try socket.connect(Endpoint(settings.coordinatorEndpoint.rawValue))
            guard try socket.waitUntilSendable(timeout: patience) else {
                return .unreached("nobody lets this worker in within \(patience)")
            }
            return .reached(in: .now - start)
        } catch {
            return .unreached("\(error)")
        }
    }

    public var findings: [Finding] {
        var findings = machine.findings
        findings += [machine.lockedMemory(isWanted: locksMemory)].compactMap(\.self)
        findings += keys.findings(expecting: []) + [cache.finding]
        if case .unusable(let reason) = model {
            findings.append(.fail("model", reason, "mend worker.model, or leave it out"))
        }
        return findings + [accuracy].compactMap(\.self) + [reachFinding]
    }

    private var accuracy: Finding? {
        lossy.map { .ok("accuracy", "not exact: \($0); the coordinator must allow it, too") }
    }

    private var reachFinding: Finding {
        switch reach {
        case .reached(let time):
            let milliseconds = whole(time / .milliseconds(1))
            return .ok("coordinator", "\(coordinator) lets this worker in, in \(milliseconds) ms")
        case .unreached(let reason):
            return .fail(
                "coordinator",
                "\(coordinator): \(reason)",
                "its journal has 'Connection refused' where the key is not listed; else look at "
                    + "worker.coordinator, the coordinator's worker-endpoint, and firewalls"
            )
        }
    }
}
