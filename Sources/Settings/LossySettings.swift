public import Cluster

/// How a worker gives accuracy for speed where experts do not fit into its memory.
public struct LossySettings: Equatable, Sendable {
    public let kind: LossyKind
    public let tier: Tier

    /// In how many bits the low tier holds experts.
    public enum Tier: String, CaseIterable, Sendable {
        case q4, q3, q2

        public var bitCount: Int {
            switch self {
            case .q4: 4
            case .q3: 3
            case .q2: 2
            }
        }
    }

    /// - Returns: nil where answers are exact.
    init?(
        _ reader: inout SettingsReader,
        hasMemory: Bool
    ) throws(SettingsError) {
        let kind = try reader.optional("lossy", .lossyKind)
        let tier = try reader.value("low-tier", .lowTier, default: .q3)
        try reader.require(
            kind == nil || hasMemory,
            of: "lossy",
            "given together with worker.memory: what fits into memory is computed exactly"
        )
        guard let kind else { return nil }
        self.kind = kind
        self.tier = tier
    }
}

extension SettingKind<LossyKind> {
    fileprivate static var lossyKind: SettingKind {
        SettingKind(
            allowed: "hobbit or resident, or left out for exact answers (emoe is for one process: "
                + "moiety run --lossy emoe)",
            parse: { text in LossyKind.allCases.first { $0.name == text } },
            text: \.name
        )
    }
}

extension SettingKind<LossySettings.Tier> {
    fileprivate static var lowTier: SettingKind {
        SettingKind(
            allowed: "one of "
                + LossySettings.Tier.allCases.map(\.rawValue).joined(separator: ", "),
            parse: { LossySettings.Tier(rawValue: $0) },
            text: \.rawValue
        )
    }
}
