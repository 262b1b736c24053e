/// How long, and how much, the job ledger keeps of jobs that have ended.
public struct LedgerSettings: Equatable, Sendable {
    /// Ended jobs that can still be asked for.
    public let jobCount: Int

    /// How long each can be asked for.
    public let age: Duration

    /// Of the whole file, jobs under way included.
    public let byteCount: Int

    init(_ reader: inout SettingsReader) throws(SettingsError) {
        jobCount = try reader.value("ledger-jobs", .number(in: 0...10_000_000), default: 100_000)
        age = try reader.value(
            "ledger-age",
            .duration(in: .seconds(60) ... .seconds(10_000 * 3600)),
            default: .seconds(7 * 24 * 3600)
        )
        byteCount =
            try reader.value("ledger-megabytes", .number(in: 16...1_000_000), default: 1024) << 20
    }
}
