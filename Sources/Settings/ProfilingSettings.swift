public import Cluster

/// What is counted of the routers' choices, and when the plan follows them by itself.
public struct ProfilingSettings: Sendable {
    /// Rows after which a counted row counts half; 0 counts nothing.
    public let halfLife: Int

    /// Tasks whose rows are counted apart.
    public let taskCount: Int

    /// How long after rows were counted the counts are written for the next life; 0 writes and
    /// reads none.
    public let saveInterval: Duration

    /// Bytes that a trace of all steps may take.
    public let traceByteCount: Int

    /// When the plan is changed without anybody's asking.
    public let rebalance: RebalanceWatch.Limits

    init(_ reader: inout SettingsReader) throws(SettingsError) {
        halfLife = try reader.value(
            "profile-half-life",
            .number(in: 0...1_000_000_000),
            default: 200_000
        )
        taskCount = try reader.value("profile-tasks", .number(in: 0...64), default: 8)
        saveInterval = try reader.value(
            "profile-save-interval",
            .duration(in: .zero ... .seconds(86_400)),
            default: .seconds(60)
        )
        try reader.require(
            saveInterval == .zero || saveInterval >= .seconds(1),
            of: "profile-save-interval",
            "0s, which keeps no counts, or a time from 1s to 24h"
        )
        traceByteCount =
            try reader.value("trace-megabytes", .number(in: 1...1024), default: 64) << 20
        let percent = try reader.value(
            "rebalance-imbalance",
            .number(in: 0...10_000),
            default: 0
        )
        var limits = RebalanceWatch.Limits()
        limits.threshold = percent > 0 ? 1 + Double(percent) / 100 : nil
        limits.pause = try reader.value(
            "rebalance-pause",
            .duration(in: .seconds(1) ... .seconds(86_400)),
            default: .seconds(600)
        )
        rebalance = limits
    }
}
