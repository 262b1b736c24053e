public import Caching
import ExpertStore

extension LossyOptions {
    /// A mode as people name it.
    public enum ModeName: String, CaseIterable, Sendable {
        case hobbit, resident, emoe

        /// Whether experts are held in fewer bits.
        public var hasTiers: Bool { self != .emoe }
    }

    /// A low tier as people name it.
    public enum TierName: String, CaseIterable, Sendable {
        case q4, q3, q2, none
    }

    /// - Parameters:
    ///   - tier: of hobbit and resident.
    ///   - thresholds: of hobbit.
    ///   - lowShare: of hobbit.
    ///   - importance: of hobbit and resident, the path of a file.
    ///   - emoe: of emoe.
    /// - Returns: nil without a low tier, where the mode has one.
    public init?(
        _ name: ModeName,
        tier: TierName,
        thresholds: LoadThresholds = LoadThresholds(),
        lowShare: Double = TierOptions.usualLowShare,
        importance: String? = nil,
        emoe: EmoeOptions = EmoeOptions()
    ) {
        let mode: LossyMode
        switch name {
        case .hobbit: mode = .hobbit(thresholds)
        case .resident: mode = .resident
        case .emoe:
            self = .emoe(emoe)
            return
        }
        guard let tier = LowTier(rawValue: tier.rawValue) else { return nil }
        var options = TierOptions(mode: mode, tier: tier, lowShare: lowShare)
        options.importancePath = importance
        self = .tiers(options)
    }
}
