import Model
import Placement

/// Rows of one layer that each visit one expert, a tenth of the experts far more often than others.
///
/// The skew of MoEShard's evaluation (section 5): expert i is drawn with a probability in
/// proportion to 1/E + 0.6 if it is one of the first tenth, rounded up, else to 1/E.
public struct SkewedLayer: Sendable {
    static let skew = 0.6
    static let hotShare = 0.1

    /// Rows that visit each expert; `[expert]`.
    public let rowCounts: [Int]
    /// The same for as many other rows, which plans are made from; `[expert]`.
    public let profiledCounts: [Int]

    public init(expertCount: Int, rowCount: Int, seed: UInt64) {
        let hot = Int((Self.hotShare * Double(expertCount)).rounded(.up))
        let weights = (0..<expertCount).map { expert in
            1 / Double(expertCount) + (expert < hot ? Self.skew : 0)
        }
        var random = SeededRandom(seed: seed)
        profiledCounts = Self.draw(rowCount, by: weights, random: &random)
        rowCounts = Self.draw(rowCount, by: weights, random: &random)
    }

    private static func draw(
        _ rowCount: Int,
        by weights: [Double],
        random: inout SeededRandom
    ) -> [Int] {
        let total = weights.reduce(0, +)
        var counts = Array(repeating: 0, count: weights.count)
        for _ in 0..<rowCount {
            var rest = random.unit() * total
            let expert = weights.firstIndex { weight in
                rest -= weight
                return rest < 0
            }
            counts[expert ?? weights.count - 1] += 1
        }
        return counts
    }

    var profile: Profile {
        let layer = Profile.Layer(activations: profiledCounts.map(Double.init))
        return Profile(rows: Double(profiledCounts.reduce(0, +)), topK: 1, layers: [layer])
    }

    /// Rows that each expert is given room for where every expert takes as many, and rows beyond
    /// that are dropped: DeepSpeed's way, with the capacity factor of MoEShard's comparison.
    var capacity: Int {
        let rows = rowCounts.reduce(0, +)
        return (min(rowCounts.count, 50) * rows + rowCounts.count - 1) / rowCounts.count
    }
}
