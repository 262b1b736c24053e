/// How a worker gives accuracy for speed where experts do not fit into its memory.
///
/// Raw values are those of the wire.
public enum LossyKind: UInt32, CaseIterable, Sendable {
    /// Experts that are missing and weigh little come in fewer bits, or not at all.
    case hobbit = 1
    /// All are in memory in fewer bits, and those that weigh most as they are in the file.
    case resident = 2

    /// As people and settings say it.
    public var name: String { "\(self)" }

    public init?(name: String) {
        guard let kind = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = kind
    }

    /// `hobbit or resident`.
    public static let names = alternatives(allCases.map(\.name))

    /// `resident q3`, or the kind alone.
    ///
    /// - Parameter lowTier: its name; nil where there is none, or none is known.
    public func words(lowTier: String?) -> String { lowTier.map { "\(name) \($0)" } ?? name }

    /// Whether it is nothing without a low tier; what does without reads as in the file what is
    /// not left out.
    public var needsLowTier: Bool { self == .resident }
}

/// How a process that computes everything gives accuracy for speed: as workers do, or in a way
/// that only such a process has.
public enum LossyName: Hashable, Sendable {
    /// Some experts are held in fewer bits.
    case tiers(LossyKind)
    /// Tokens take only experts that are in memory.
    case emoe

    public static let all = LossyKind.allCases.map(LossyName.tiers) + [.emoe]

    /// As people say it.
    public var name: String {
        switch self {
        case .tiers(let kind): kind.name
        case .emoe: "emoe"
        }
    }

    public init?(name: String) {
        guard let found = Self.all.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    /// `hobbit, resident or emoe`.
    public static let names = alternatives(all.map(\.name))

    /// Nil where experts are held in one tier.
    public var kind: LossyKind? {
        guard case .tiers(let kind) = self else { return nil }
        return kind
    }
}

/// In which precision the low tier holds experts; raw values are what people and settings say.
public enum LowTier: String, CaseIterable, Hashable, Sendable {
    case q4, q3, q2

    /// Of a weight, without what its block has in common.
    public var bitCount: Int {
        switch self {
        case .q4: 4
        case .q3: 3
        case .q2: 2
        }
    }

    /// - Returns: nil where no tier has so many.
    public init?(bitCount: Int) {
        guard let tier = Self.allCases.first(where: { $0.bitCount == bitCount }) else { return nil }
        self = tier
    }

    /// `q4, q3 or q2`.
    public static let names = alternatives(allCases.map(\.rawValue))
}

/// What somebody says of the low tier: in how many bits it is, or that there is none.
public struct LowTierChoice: Hashable, Sendable {
    /// Nil where there is none.
    public let tier: LowTier?

    public init(_ tier: LowTier?) { self.tier = tier }

    /// Nothing is held in fewer bits.
    public static let without = LowTierChoice(nil)
    /// What is meant where nobody says anything.
    public static let usual = LowTierChoice(.q3)

    public static let all = LowTier.allCases.map { LowTierChoice($0) } + [.without]

    /// As people and settings say it.
    public var name: String { tier?.rawValue ?? "none" }

    public init?(name: String) {
        guard let found = Self.all.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    /// `q4, q3, q2 or none`.
    public static let names = alternatives(all.map(\.name))
}

/// Names as a sentence has them, `a, b or c`.
private func alternatives(_ names: [String]) -> String {
    guard let last = names.last, names.count > 1 else { return names.first ?? "" }
    return names.dropLast().joined(separator: ", ") + " or " + last
}
