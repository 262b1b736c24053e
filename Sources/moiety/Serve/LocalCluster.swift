import Foundation
import Messaging
import Model
import Terminal

/// What the cluster's thread hears of.
enum ServeEvent: Sendable {
    case stop
    /// With its exit code, or 128 and the number of the signal that killed it, as shells count.
    case ended(ChildID, status: Int32)
}

/// One of the cluster's processes.
enum ChildID: Hashable, Sendable, CustomStringConvertible {
    case coordinator
    case worker(String)

    var description: String {
        switch self {
        case .coordinator: "the coordinator"
        case .worker(let name): name
        }
    }
}

/// What to start.
struct LocalClusterPlan: Sendable {
    /// The directory of the daemons.
    let executables: URL
    let model: String
    /// At least one.
    let workers: [String]
    let state: String
    let workerEndpoint: String
    let clientEndpoint: String
    /// What the coordinator is told of its API.
    let httpArguments: [String]
    let planFile: String?
    let coordinatorThreads: Int
    let workerThreads: Int
    /// What each worker is told of its memory.
    let memory: WorkerMemory
    let logLevel: String
}

/// What each worker of a local cluster may take, and where experts are that do not fit.
struct WorkerMemory: Sendable {
    /// Nil for what its experts take.
    let byteCount: Int?
    /// Nil where answers are exact, or as the workers' settings have it.
    let lossy: LossyKind?
    let lowTier: LowTierChoice?
    /// Settings of where packed experts lie; the same for all, so that they are packed once.
    let place: [(name: String, value: String)]

    /// As a worker takes them.
    var arguments: [String] {
        let values = [
            ("--memory", byteCount.map { "\($0)" }), ("--lossy", lossy?.name),
            ("--low-tier", lowTier?.name),
        ]
        return values.flatMap { name, value in value.map { [name, $0] } ?? [] }
            + place.flatMap { ["--\($0.name)", $0.value] }
    }

    /// The coordinator takes such workers where somebody says so.
    var coordinatorArguments: [String] { lossy == nil ? [] : ["--lossy", "true"] }

    /// What everybody is to know who starts such a cluster; nil where there is nothing.
    var warning: String? {
        lossy.map {
            "answers may be inexact (--lossy \($0.name)); each says which part of it was not exact"
        }
    }
}

/// A coordinator and its workers as child processes: started, watched, stopped.
final class LocalCluster {
    private let plan: LocalClusterPlan
    private let inbox: Mailbox<ServeEvent>
    private var children: [ChildID: Process] = [:]
    private var restarts: [ChildID: Restart] = [:]
    /// Those that were started more than once.
    private var restarted: Set<ChildID> = []
    /// As bound, so that a coordinator that is started anew is found again.
    private var workerEndpoint: String
    private var clientEndpoint: String
    private var workersWereStarted = false
    private var isStopping = false
    private var exitCode: Int32 = 0
    private let clock = ContinuousClock()

    /// When a child that died is started again.
    private struct Restart {
        var pause = LocalCluster.firstPause
        var due: ContinuousClock.Instant?
        var started: ContinuousClock.Instant
    }

    private static let firstPause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(30)
    /// A child that ran this long has its next pause short again.
    private static let healthyTime = Duration.seconds(60)
    /// How long children may take to stop before they are killed.
    private static let stopTime = Duration.seconds(10)
    /// How often the coordinator's endpoint is looked for while it starts.
    private static let lookTime = Duration.milliseconds(20)
    /// Exit codes after which starting again is in vain: arguments, data, addresses, configuration.
    private static let hopeless: Set<Int32> = [64, 65, 69, settingsError]
    /// A budget that is too small is one of these.
    private static let settingsError: Int32 = 78

    init(_ plan: LocalClusterPlan, inbox: Mailbox<ServeEvent>) {
        self.plan = plan
        self.inbox = inbox
        workerEndpoint = plan.workerEndpoint
        clientEndpoint = plan.clientEndpoint
    }

    /// Runs until told to stop, or until the coordinator cannot be started.
    ///
    /// - Returns: the exit code.
    func run() -> Int32 {
        removeEndpoints()
        if !isStopping { start(.coordinator) }
        var poller = Poller()
        while !isStopping {
            for event in inbox.takeAll() { handle(event) }
            startWhatIsDue()
            guard !isStopping else { break }
            do throws(MessagingError) {
                _ = try poller.wait(for: [], or: inbox.waker, timeout: nextWait)
            } catch {
                fail("cannot wait for the cluster: \(error)")
            }
        }
        stopChildren(&poller)
        return exitCode
    }

    // MARK: Events

    private func handle(_ event: ServeEvent) {
        switch event {
        case .stop:
            isStopping = true
        case .ended(let child, let status):
            children[child] = nil
            guard !isStopping else { return }
            guard !isWorthRestarting(child, status) else {
                return scheduleRestart(of: child, status: status)
            }
            Console.note("moiety: \(child) ended (\(status)), and with it the cluster")
            if status == Self.settingsError, case .worker = child,
                let memory = plan.memory.byteCount
            {
                let part = "\(Format.bytes(memory)) for each of \(plan.workers.count) workers"
                Console.note("moiety: --memory leaves \(part)")
            }
            exitCode = status
            isStopping = true
        }
    }

    /// Whether a child that ended may do better next time.
    ///
    /// A coordinator that never listened has said why, and so has a worker that refused at its
    /// first start what it was given; the same would happen again. A worker that served before is
    /// waited for, whatever has become of its files.
    private func isWorthRestarting(_ child: ChildID, _ status: Int32) -> Bool {
        let isHopeless = Self.hopeless.contains(status)
        switch child {
        case .coordinator: return workersWereStarted && !isHopeless
        case .worker: return restarted.contains(child) || !isHopeless
        }
    }

    private func scheduleRestart(of child: ChildID, status: Int32) {
        guard var restart = restarts[child] else { return }
        if clock.now - restart.started > Self.healthyTime { restart.pause = Self.firstPause }
        Console.note("moiety: \(child) ended (\(status)); starting it again in \(restart.pause)")
        restarted.insert(child)
        restart.due = clock.now + restart.pause
        restart.pause = min(restart.pause * 2, Self.longestPause)
        restarts[child] = restart
    }

    private func startWhatIsDue() {
        for (child, restart) in restarts.sorted(by: { "\($0.key)" < "\($1.key)" }) {
            if let due = restart.due, due <= clock.now { start(child) }
        }
        guard !workersWereStarted, readEndpoints() else { return }
        workersWereStarted = true
        for name in plan.workers { start(.worker(name)) }
    }

    private var nextWait: Duration? {
        let due = restarts.values.compactMap(\.due).min().map { max(.zero, $0 - clock.now) }
        guard !workersWereStarted else { return due }
        return min(due ?? Self.lookTime, Self.lookTime)
    }

    // MARK: Endpoints

    private func file(_ name: String) -> String { "\(plan.state)/\(name)" }

    /// A coordinator that was killed leaves its last life's behind.
    private func removeEndpoints() {
        for path in ["worker-endpoint", "client-endpoint", "http-endpoint"].map(file) {
            guard FileManager.default.fileExists(atPath: path) else { continue }
            do {
                try FileManager.default.removeItem(atPath: path)
            } catch {
                fail("cannot remove \(path): \(error.localizedDescription)")
            }
        }
    }

    /// - Returns: whether the coordinator has said where it listens.
    private func readEndpoints() -> Bool {
        guard let workers = text("worker-endpoint"), let clients = text("client-endpoint") else {
            return false
        }
        workerEndpoint = workers
        clientEndpoint = clients
        if let http = text("http-endpoint") { Console.note("moiety: serves HTTP at \(http)") }
        if let warning = plan.memory.warning { Console.note("moiety: \(warning)") }
        return true
    }

    private func text(_ name: String) -> String? {
        guard let data = FileManager.default.contents(atPath: file(name)), !data.isEmpty else {
            return nil
        }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    // MARK: Children

    private func start(_ child: ChildID) {
        let process = Process()
        let name = child == .coordinator ? "moiety-coordinator" : "moiety-worker"
        process.executableURL = plan.executables.appending(path: name)
        process.arguments =
            arguments(of: child) + ["--exit-with-parent", "\(getpid())"]
        process.standardInput = FileHandle.nullDevice
        process.terminationHandler = { [inbox] process in
            let wasKilled = process.terminationReason == .uncaughtSignal
            let status = process.terminationStatus + (wasKilled ? 128 : 0)
            _ = inbox.post(.ended(child, status: status))
        }
        do {
            try process.run()
        } catch {
            return fail("cannot start \(name): \(error.localizedDescription)")
        }
        children[child] = process
        let pause = restarts[child]?.pause ?? Self.firstPause
        restarts[child] = Restart(pause: pause, started: clock.now)
    }

    private func arguments(of child: ChildID) -> [String] {
        let common = ["--model", plan.model, "--log-level", plan.logLevel]
        switch child {
        case .coordinator:
            let planFile = plan.planFile.map { ["--plan", $0] } ?? []
            return common + planFile + dataEndpoint + plan.httpArguments + [
                "--workers", plan.workers.joined(separator: ","),
                "--worker-endpoint", workerEndpoint,
                "--client-endpoint", clientEndpoint,
                "--state-directory", plan.state,
                "--threads", "\(plan.coordinatorThreads)",
            ] + plan.memory.coordinatorArguments
        case .worker:
            return common + [
                "--name", "\(child)",
                "--coordinator", workerEndpoint,
                "--state-directory", file("\(child)"),
                "--threads", "\(plan.workerThreads)",
            ] + plan.memory.arguments
        }
    }

    /// Shares stay on this machine, so they need no network; a path that is too long gets one.
    private var dataEndpoint: [String] {
        let path = file("shares")
        guard path.utf8.count <= Endpoint.pathByteLimit else { return [] }
        return ["--data-endpoint", "ipc://\(path)"]
    }

    private func fail(_ message: String) {
        Console.note("moiety: \(message)")
        exitCode = 1
        isStopping = true
    }

    private func stopChildren(_ poller: inout Poller) {
        for process in children.values { process.terminate() }
        let deadline = clock.now + Self.stopTime
        while !children.isEmpty, clock.now < deadline {
            do throws(MessagingError) {
                _ = try poller.wait(for: [], or: inbox.waker, timeout: deadline - clock.now)
            } catch {
                break
            }
            for event in inbox.takeAll() { handle(event) }
        }
        for (child, process) in children {
            Console.note("moiety: \(child) did not stop and is killed")
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
    }
}
