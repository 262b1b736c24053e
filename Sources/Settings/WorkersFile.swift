public import Placement

/// Workers as a file describes them for planning, before there is a cluster to ask.
///
/// `Config/workers.yaml` shows every key. Nothing of it comes from the environment.
public struct WorkersFile: Sendable {
    /// Sorted by name.
    public let workers: [WorkerDescription]

    public let costs: CostModel

    /// Bytes of one expert; nil where nobody said and no worker's memory is given.
    public let expertByteCount: Int?

    /// Bytes per second between workers of different hosts; nil where links do not differ.
    public let betweenHosts: Double?

    /// - Throws: `SettingsError` at the first thing that is wrong.
    public init(path: String) throws(SettingsError) {
        guard let file = try SettingsFile(path: path) else {
            throw .unreadableFile(path: path, reason: "there is no such file")
        }
        let sources = try SettingsSources(
            daemon: "workers",
            commandLine: [:],
            file: path,
            surroundings: Surroundings(variables: [:], userIsRoot: false, hostName: "")
        )
        var known: [String] = []
        (costs, expertByteCount, betweenHosts) = try Self.common(sources, &known)
        var workers: [WorkerDescription] = []
        for name in file.names(in: "workers") {
            guard let workerName = WorkerName(rawValue: name) else {
                throw .malformedFile(path: path, reason: "\"\(name)\" cannot name a worker")
            }
            let bytes = expertByteCount
            workers.append(try Self.worker(workerName, sources, knowsExpert: bytes != nil, &known))
        }
        guard !workers.isEmpty else {
            throw .malformedFile(path: path, reason: "it describes no workers")
        }
        try file.refuseOthers(than: known)
        self.workers = workers
    }

    private static func common(
        _ sources: SettingsSources,
        _ known: inout [String]
    ) throws(SettingsError) -> (CostModel, Int?, Double?) {
        var costs = CostModel()
        var reader = SettingsReader(section: "costs", sources: sources)
        costs.perExpert = try reader.microseconds("expert-microseconds", costs.perExpert)
        costs.perPair = try reader.microseconds("pair-microseconds", costs.perPair)
        costs.rowByteCount = try reader.value(
            "row-bytes",
            .number(in: 0...1 << 30),
            default: costs.rowByteCount
        )
        let expertBytes = try reader.optional("expert-bytes", .number(in: 1...1 << 40))
        known += reader.described.map(\.key)
        reader = SettingsReader(section: "links", sources: sources)
        let between = try reader.optional("between-hosts-megabytes-per-second", .positive)
        known += reader.described.map(\.key)
        return (costs, expertBytes, between.map { $0 * 1e6 })
    }

    private static func worker(
        _ name: WorkerName,
        _ sources: SettingsSources,
        knowsExpert: Bool,
        _ known: inout [String]
    ) throws(SettingsError) -> WorkerDescription {
        var worker = WorkerDescription(name: name)
        var reader = SettingsReader(section: "workers.\(name)", sources: sources)
        let memory = try reader.optional("memory-megabytes", .number(in: 0...1 << 30))
        try reader.require(
            memory == nil || knowsExpert,
            of: "memory-megabytes",
            "given together with costs.expert-bytes, or left out"
        )
        worker.room = memory.map { $0 * 1_000_000 }
        worker.speed = try reader.value("speed", .positive, default: worker.speed)
        worker.bandwidth =
            1e6
            * (try reader.value(
                "megabytes-per-second",
                .positive,
                default: worker.bandwidth / 1e6
            ))
        worker.roundTrip = try reader.microseconds("round-trip-microseconds", worker.roundTrip)
        worker.host = try reader.value("host", .path, default: worker.host)
        known += reader.described.map(\.key)
        return worker
    }
}

extension SettingsReader {
    fileprivate mutating func microseconds(
        _ name: String,
        _ builtIn: Duration
    ) throws(SettingsError) -> Duration {
        let count = try value(name, .amount, default: builtIn / .microseconds(1))
        return .nanoseconds(Int64((count * 1000).rounded()))
    }
}

extension SettingKind<Double> {
    /// Fractions allowed.
    fileprivate static var amount: SettingKind { number(from: 0, meaning: "0 to 1e9") }

    fileprivate static var positive: SettingKind { number(from: 1e-6, meaning: "0.000001 to 1e9") }

    private static func number(from least: Double, meaning: String) -> SettingKind {
        SettingKind(
            allowed: "a number from \(meaning)",
            parse: { text in Double(text).flatMap { (least...1e9).contains($0) ? $0 : nil } },
            text: { "\($0)" }
        )
    }
}
