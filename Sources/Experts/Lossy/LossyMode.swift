public import Caching
public import Model

/// How accuracy is given for speed where experts do not fit into memory.
public enum LossyOptions: Hashable, Sendable {
    /// Some experts are held in fewer bits.
    case tiers(TierOptions)
    /// Tokens take only experts that are in memory.
    case emoe(EmoeOptions)
}

/// How experts are held in fewer bits.
public enum LossyMode: Hashable, Sendable {
    /// HOBBIT: an expert that is missing comes in the high tier, in the low one, or not at all, by
    /// how little it weighs. Only for steps of one row; prompts stay exact.
    case hobbit(LoadThresholds)
    /// All experts are in memory in the low tier, and those that are used most in the high one:
    /// nothing is ever waited for.
    case resident

    /// - Parameter thresholds: of hobbit.
    public init(_ kind: LossyKind, thresholds: LoadThresholds = LoadThresholds()) {
        switch kind {
        case .hobbit: self = .hobbit(thresholds)
        case .resident: self = .resident
        }
    }
}

/// A mode, and what its low tier is.
public struct TierOptions: Hashable, Sendable {
    public let mode: LossyMode
    /// Nil in a `hobbit` that has none: what would come so comes as it is in the file.
    public let tier: LowTier?
    /// The part of the experts' memory that the low tier takes in `hobbit`; as much as a token
    /// cannot do without where it is less.
    public var lowShare: Double
    /// The file that says how much columns of the experts' matrices matter; nil where nothing is
    /// known of them.
    public var importancePath: String?

    /// - Precondition: `resident` has a low tier.
    public init(mode: LossyMode, tier: LowTier?, lowShare: Double = Self.usualLowShare) {
        precondition(Self.lowShareRange.contains(lowShare), "a low tier of \(lowShare)")
        precondition(tier != nil || mode != .resident, "all experts are in a tier that is none")
        self.mode = mode
        self.tier = tier
        self.lowShare = lowShare
    }

    /// What the low tier takes where nobody says otherwise: as little as it can.
    ///
    /// An expert in the high tier serves whoever wants it in the low one, too.
    public static let usualLowShare = 0.0
    public static let lowShareRange = 0...0.95
}

/// Computes experts in this process, with memory for some of them.
public protocol BudgetedRunner: ExpertRunner {
    /// What reads have cost, in both tiers.
    var figures: ResidencyFigures { get }
    /// Experts that are in memory at once, tier by tier.
    var slotCounts: SlotCounts { get }
}

extension ResidentRunner: BudgetedRunner {
    public var slotCounts: SlotCounts { SlotCounts(high: slotCount) }
}

/// Computes experts in this process, and not all of them as the model says.
public protocol LossyRunner: BudgetedRunner {
    /// Since the beginning.
    var uses: TierUses { get }
    /// The experts that rows may go to; nil where they may go to all.
    var presence: Presence? { get }

    /// Told of every prompt before its first step; what is known of the work may then be looked at
    /// anew.
    ///
    /// - Parameter tokenCount: of the prompt.
    /// - Throws: `expertsMissing` where experts were chosen and cannot be read.
    func beginPrompt(tokenCount: Int) throws(ExpertRunnerError)
}

extension LossyRunner {
    public var presence: Presence? { nil }

    public func beginPrompt(tokenCount: Int) throws(ExpertRunnerError) {}
}

/// Experts that are in memory, and the only ones that rows go to.
public struct Presence: Hashable, Sendable {
    public let expertCount: Int
    /// Of memory.
    public let byteCount: Int
}
