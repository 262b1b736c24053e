import Model

/// Which part of experts' uses was inexact.
struct Inexactness: Encodable {
    private let expertUses: Int
    private let lowShare: Double
    private let skippedShare: Double

    /// Names are promised to users.
    private enum CodingKeys: String, CodingKey {
        case expertUses = "expert_uses"
        case lowShare = "low_share"
        case skippedShare = "skipped_share"
    }

    init(_ uses: TierUses) {
        expertUses = uses.all
        lowShare = uses.lowShare
        skippedShare = uses.skippedShare
    }
}

/// One JSON object with the members of two; of the first alone where there is no second.
struct Joined<First: Encodable, Second: Encodable>: Encodable {
    private let first: First
    private let second: Second?

    init(_ first: First, _ second: Second?) {
        self.first = first
        self.second = second
    }

    func encode(to encoder: any Encoder) throws {
        try first.encode(to: encoder)
        try second?.encode(to: encoder)
    }
}
