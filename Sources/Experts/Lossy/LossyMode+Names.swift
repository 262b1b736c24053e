public import Caching
import ExpertStore

extension LossyOptions {
    /// A mode as people name it.
    public enum ModeName: String, CaseIterable, Sendable {
        case hobbit, resident
    }

    /// A low tier as people name it.
    public enum TierName: String, CaseIterable, Sendable {
        case q4, q3, q2, none
    }

    /// - Parameter thresholds: of hobbit.
    /// - Returns: nil without a low tier.
    public init?(
        _ name: ModeName,
        tier: TierName,
        thresholds: LoadThresholds = LoadThresholds()
    ) {
        guard let tier = LowTier(rawValue: tier.rawValue) else { return nil }
        switch name {
        case .hobbit: self.init(mode: .hobbit(thresholds), tier: tier)
        case .resident: self.init(mode: .resident, tier: tier)
        }
    }
}
