import ArgumentParser
import Cluster
import Placement
import Terminal
import Wire

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Whether a cluster is ready, and what it does.",
        discussion: "Exits with 2 when the cluster is not ready in time."
    )

    @OptionGroup var coordinator: CoordinatorOptions

    @Option(
        defaultAsFlag: 120,
        help: "Wait until the cluster is ready, so many seconds at most."
    )
    var wait: Int?

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard let wait else { return }
        guard (0...86_400).contains(wait) else {
            throw ValidationError("--wait is \(wait); it must be 0 to 86400 seconds")
        }
    }

    func run() async throws {
        try await CommandFailure.report {
            let (status, nodes) = try await finalStatus()
            if json {
                try Console.writeJSON(StatusLine(status, nodes))
            } else {
                Console.write(Self.table(status, nodes).text)
            }
            guard wait == nil || status.isReady else {
                throw CommandFailure(
                    "the cluster is not ready: \(status.text)",
                    code: CommandFailure.unreachable
                )
            }
        }
    }

    /// The status, once it is ready or the wait is over, and the workers then.
    ///
    /// Whoever waits also waits for the coordinator itself, which hashes a large model before it
    /// listens, or is being started again.
    private func finalStatus() async throws -> (StatusReport, [NodeReport]) {
        let end = ContinuousClock.now + .seconds(wait ?? 0)
        while true {
            do {
                let client = try coordinator.connect()
                let status = try await status(of: client, until: end)
                let reply = try client.ask(.listNodes)
                guard case .nodes(let nodes) = reply else { throw client.unexpected(reply) }
                return (status, nodes)
            } catch let failure as CommandFailure
                where failure.code == CommandFailure.unreachable && ContinuousClock.now < end
            {
                Console.progress("waiting for a coordinator")
                try await Task.sleep(for: Self.pause)
            }
        }
    }

    private func status(
        of client: ClusterClient,
        until end: ContinuousClock.Instant
    ) async throws -> StatusReport {
        while true {
            let reply = try client.ask(.getStatus)
            guard case .status(let status) = reply else { throw client.unexpected(reply) }
            if status.isReady || ContinuousClock.now >= end { return status }
            Console.progress(status.text)
            try await Task.sleep(for: Self.pause)
        }
    }

    private static let pause = Duration.milliseconds(100)

    private static func table(_ status: StatusReport, _ nodes: [NodeReport]) -> Table {
        var table = Table([("", .left), ("", .left)])
        table.add(["cluster", status.text])
        table.add(["model", status.modelName])
        table.add(["plan", status.epoch.map { "epoch \($0)" } ?? "none yet"])
        table.add(["workers", "\(status.workersReady) of \(status.workersExpected) ready"])
        // Exact clusters have nothing to tell of it.
        let lossy = nodes.compactMap { node in node.lossyWords.map { "\(node.name) (\($0))" } }
        if !lossy.isEmpty {
            let text = lossy.joined(separator: ", ")
            table.add(["not exact", "\(text): they give accuracy for speed"])
        }
        table.add(["jobs", "\(status.jobsRunning) running, \(status.jobsQueued) waiting"])
        if !status.ledgerTrouble.isEmpty { table.add(["job ledger", status.ledgerTrouble]) }
        table.add(["build", "\(status.build), protocol version \(status.protocolVersion)"])
        let trips = status.trips.total
        if trips.trips > 0 { table.add(["trips to workers", "\(TripAverages(trips))"]) }
        if let balance = status.balance { add(balance, to: &table) }
        for socket in status.sockets where socket.drops.total > 0 {
            table.add(["dropped from \(socket.name)", "\(socket.drops)"])
        }
        return table
    }

    private static func add(_ balance: BalanceReport, to table: inout Table) {
        if let imbalance = balance.imbalance {
            let text = Format.fixed(imbalance, digits: 2)
            table.add(["busiest worker", "computes \(text) times as long as the mean"])
        }
        guard balance.isAutomatic else { return }
        let searches = balance.searches
        let state = searches.isRunning ? "searching" : "watching"
        let ago = balance.sinceChange.map { ", last \(Format.fixed($0 / .seconds(60))) min ago" }
        table.add([
            "rebalancing",
            "\(state): \(Format.count(searches.changedCount, "change"))\(ago ?? ""), "
                + "\(Format.bytes(searches.movedByteCount)) moved, "
                + "\(searches.keptCount) times nothing better",
        ])
        for failure in searches.failures {
            table.add(["failed \(failure.count) times", failure.reason])
        }
    }
}

/// The status as `--json` shows it.
private struct StatusLine: Encodable {
    let ready: Bool
    let text: String
    let model: String
    let epoch: UInt64?
    let workersExpected: Int
    let workersReady: Int
    let jobsQueued: Int
    let jobsRunning: Int
    let protocolVersion: UInt32
    let build: String
    let sockets: [SocketLine]
    let trips: [TripAverages]
    let imbalance: Double?
    let rebalancing: Rebalancing?
    /// Why durable jobs are not taken; nil where they are.
    let ledgerTrouble: String?
    /// Workers that give accuracy for speed; empty where all answers are exact.
    let lossy: [LossyLine]

    struct Rebalancing: Encodable {
        let automatic: Bool
        let searching: Bool
        let changes: Int
        let kept: Int
        let movedBytes: UInt64
        let lastChangeSeconds: Double?
        /// How often a search failed, by reason.
        let failures: [String: Int]

        enum CodingKeys: String, CodingKey {
            case automatic, searching, changes, kept, failures
            case movedBytes = "moved_bytes"
            case lastChangeSeconds = "last_change_s"
        }

        init(_ balance: BalanceReport) {
            automatic = balance.isAutomatic
            searching = balance.searches.isRunning
            changes = balance.searches.changedCount
            kept = balance.searches.keptCount
            movedBytes = balance.searches.movedByteCount
            lastChangeSeconds = balance.sinceChange.map { $0 / .seconds(1) }
            let counts = balance.searches.failures.map { ($0.reason, $0.count) }
            failures = Dictionary(counts) { $0 + $1 }
        }
    }

    enum CodingKeys: String, CodingKey {
        case ready, text, model, epoch, build, sockets, trips, imbalance, rebalancing, lossy
        case workersExpected = "workers_expected"
        case workersReady = "workers_ready"
        case jobsQueued = "jobs_queued"
        case jobsRunning = "jobs_running"
        case protocolVersion = "protocol_version"
        case ledgerTrouble = "ledger_trouble"
    }

    init(_ status: StatusReport, _ nodes: [NodeReport]) {
        ready = status.isReady
        text = status.text
        model = status.modelName
        epoch = status.epoch?.rawValue
        workersExpected = status.workersExpected
        workersReady = status.workersReady
        jobsQueued = status.jobsQueued
        jobsRunning = status.jobsRunning
        protocolVersion = status.protocolVersion
        build = status.build
        sockets = status.sockets.map(SocketLine.init)
        trips = status.trips.layers.enumerated().filter { $1.trips > 0 }
            .map { TripAverages($1, layer: $0) }
        imbalance = status.balance?.imbalance
        rebalancing = status.balance.map(Rebalancing.init)
        ledgerTrouble = status.ledgerTrouble.isEmpty ? nil : status.ledgerTrouble
        lossy = nodes.compactMap(LossyLine.init)
    }
}
