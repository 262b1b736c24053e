public import Model

/// How a worker gives accuracy for speed where experts do not fit into its memory.
public struct LossySettings: Equatable, Sendable {
    public let kind: LossyKind

    /// Nil where experts are held as they are in the file, and some are left out.
    public let tier: LowTier?

    /// The kinds that workers know, and who knows the other one.
    public static let kinds =
        "\(LossyKind.names) (\(LossyName.emoe.name) is for one process: moiety run --lossy "
        + "\(LossyName.emoe.name))"

    /// - Returns: nil where answers are exact.
    init?(
        _ reader: inout SettingsReader,
        hasMemory: Bool
    ) throws(SettingsError) {
        let kind = try reader.optional("lossy", .lossyKind)
        let low: LowTierChoice = try reader.value("low-tier", .lowTier, default: .usual)
        try reader.require(
            kind == nil || hasMemory,
            of: "lossy",
            "given together with worker.memory: what fits into memory is computed exactly"
        )
        guard let kind else { return nil }
        try reader.require(
            low.tier != nil || !kind.needsLowTier,
            of: "low-tier",
            "\(LowTier.names) where worker.lossy is \(kind.name), which keeps all experts so"
        )
        self.kind = kind
        tier = low.tier
    }
}

extension SettingKind<LossyKind> {
    fileprivate static var lossyKind: SettingKind {
        SettingKind(
            allowed: "\(LossySettings.kinds), or left out for exact answers",
            parse: { LossyKind(name: $0) },
            text: \.name
        )
    }
}

extension SettingKind<LowTierChoice> {
    fileprivate static var lowTier: SettingKind {
        SettingKind(
            allowed: LowTierChoice.names,
            parse: { LowTierChoice(name: $0) },
            text: \.name
        )
    }
}
