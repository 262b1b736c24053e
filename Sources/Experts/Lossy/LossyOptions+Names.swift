public import Caching
public import Model

extension LossyOptions {
    /// - Parameters:
    ///   - tier: of hobbit and resident; nil for none.
    ///   - thresholds: of hobbit.
    ///   - lowShare: of hobbit.
    ///   - importance: of hobbit and resident, the path of a file.
    ///   - emoe: of emoe.
    /// - Precondition: resident has a low tier.
    public init(
        _ name: LossyName,
        tier: LowTier?,
        thresholds: LoadThresholds = LoadThresholds(),
        lowShare: Double = TierOptions.usualLowShare,
        importance: String? = nil,
        emoe: EmoeOptions = EmoeOptions()
    ) {
        guard let kind = name.kind else {
            self = .emoe(emoe)
            return
        }
        let mode = LossyMode(kind, thresholds: thresholds)
        var options = TierOptions(mode: mode, tier: tier, lowShare: lowShare)
        options.importancePath = importance
        self = .tiers(options)
    }
}
