import ArgumentParser
import Foundation
import Kernels
import Messaging
import Placement
import Terminal

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run a whole cluster on this machine, in the foreground.",
        discussion: """
            Starts a coordinator and workers as processes, starts anew what dies, and stops all \
            of them together on Ctrl-C or SIGTERM. The endpoints stand in the state directory, in \
            worker-endpoint, client-endpoint and http-endpoint.
            """
    )

    @Option(name: [.short, .long], help: "The model: a GGUF file, or its first part.")
    var model: String

    @Option(help: "Workers to run.")
    var workers = 2

    @Option(help: "Where the cluster keeps its state.")
    var state: String?

    @Option(help: "Where workers connect.")
    var workerEndpoint = "tcp://127.0.0.1:6644"

    @Option(help: "Where clients connect.")
    var clientEndpoint = "tcp://127.0.0.1:6645"

    @OptionGroup var http: ServeHTTPOptions

    @Option(help: "A plan file: which worker holds which expert; its workers are run.")
    var plan: String?

    @OptionGroup var memory: ServeMemoryOptions

    @Option(name: [.short, .long], help: "Threads of each process; 0 shares the cores out.")
    var threads = 0

    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel = "info"

    func validate() throws {
        guard (1...64).contains(workers) else {
            throw ValidationError("--workers is \(workers); it must be 1 to 64")
        }
        guard (0...1024).contains(threads) else {
            throw ValidationError("--threads is \(threads); it must be 0 to 1024")
        }
    }

    func run() async throws {
        try await CommandFailure.report {
            let inbox = try Mailbox<ServeEvent>(limit: 1024)
            let termination = TerminationSignal { _ = inbox.post(.stop) }
            defer { termination.cancel() }
            Interrupt.cancelsOnce { _ = inbox.post(.stop) }
            let outcome = ServeOutcome()
            let plan = try clusterPlan()
            // Children are told to end with the thread that started them, so it must not be one
            // of a pool.
            let thread = try NamedThread("moiety-serve") {
                outcome.code = LocalCluster(plan, inbox: inbox).run()
            }
            await thread.finished()
            guard outcome.code == 0 else { throw ExitCode(outcome.code) }
        }
    }

    private func clusterPlan() throws -> LocalClusterPlan {
        let names = try workerNames()
        let cores = Cores.current().threadCount
        return LocalClusterPlan(
            executables: try Self.executables(),
            model: model,
            workers: names,
            state: state ?? Self.defaultState,
            workerEndpoint: workerEndpoint,
            clientEndpoint: clientEndpoint,
            httpArguments: http.arguments,
            planFile: plan,
            coordinatorThreads: threads > 0 ? threads : cores,
            workerThreads: threads > 0 ? threads : max(1, cores / names.count),
            memory: memory.ofEachWorker(among: names.count),
            logLevel: logLevel
        )
    }

    /// Those that the plan names, else worker-1 and so on.
    private func workerNames() throws -> [String] {
        guard let plan else { return (1...workers).map { "worker-\($0)" } }
        return try InputFile.plan(plan).workers.map(\.rawValue)
    }

    /// The directory of this executable, where the daemons lie too.
    private static func executables() throws -> URL {
        let path = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let directory = URL(filePath: path).deletingLastPathComponent()
        for name in ["moiety-coordinator", "moiety-worker"] {
            let file = directory.appending(path: name).path
            guard FileManager.default.isExecutableFile(atPath: file) else {
                throw CommandFailure("\(file) is missing; install the daemons beside moiety")
            }
        }
        return directory
    }

    private static var defaultState: String {
        let environment = ProcessInfo.processInfo.environment
        let base = environment["XDG_STATE_HOME"].flatMap { $0.isEmpty ? nil : $0 }
        return (base ?? NSHomeDirectory() + "/.local/state") + "/moiety/serve"
    }
}
