/// One layer's counts in dense tables, as they are added up.
///
/// Sums are f32: whole numbers stay exact up to 2^24 rows. Experts that do not exist are passed
/// over, so that nothing a router says can trap here.
public struct LayerCounts: Hashable, Sendable {
    public let experts: Int
    public let following: Int
    public private(set) var activations: [Float]
    /// `[first][second]` without the diagonal and what lies below it, row after row.
    public private(set) var coactivations: [Float]
    /// `[first][second of the next layer]`.
    public private(set) var transitions: [Float]

    /// - Parameter following: experts of the next layer, 0 where it has none.
    init(experts: Int, following: Int) {
        self.experts = experts
        self.following = following
        activations = Array(repeating: 0, count: experts)
        coactivations = Array(repeating: 0, count: Self.pairCount(experts))
        transitions = Array(repeating: 0, count: experts * following)
    }

    /// Counts that somebody else has made; nil where they do not fit together.
    ///
    /// - Parameter following: experts of the next layer, 0 where it has none.
    public init?(
        activations: [Float],
        coactivations: [Float],
        transitions: [Float],
        following: Int
    ) {
        let experts = activations.count
        guard coactivations.count == Self.pairCount(experts),
            transitions.count == experts * following
        else { return nil }
        self.experts = experts
        self.following = following
        self.activations = activations
        self.coactivations = coactivations
        self.transitions = transitions
    }

    private static func pairCount(_ experts: Int) -> Int { experts * max(0, experts - 1) / 2 }

    /// Bytes that the tables take.
    static func byteCount(experts: Int, following: Int) -> Int {
        4 * (experts + pairCount(experts) + experts * following)
    }

    /// Adds rows of this layer; `chosen` is `[row][topK]`.
    mutating func add<Experts: RandomAccessCollection>(
        _ chosen: Experts,
        topK: Int,
        weight: Float
    ) where Experts.Element: BinaryInteger, Experts.Index == Int {
        for start in stride(from: chosen.startIndex, to: chosen.endIndex, by: topK) {
            for place in start..<start + topK {
                let expert = Int(chosen[place])
                guard expert >= 0, expert < experts else { continue }
                activations[expert] += weight
                for other in place + 1..<start + topK {
                    addPair(expert, Int(chosen[other]), weight)
                }
            }
        }
    }

    private mutating func addPair(_ one: Int, _ other: Int, _ weight: Float) {
        let first = min(one, other)
        let second = max(one, other)
        guard first >= 0, second < experts, first < second else { return }
        coactivations[offset(of: first) + second] += weight
    }

    /// What must be added to the second of a pair to find its place.
    private func offset(of first: Int) -> Int { first * (2 * experts - first - 3) / 2 - 1 }

    /// Adds what the same rows chose here and in the next layer; both are `[row][topK]`.
    mutating func addTransitions<From: RandomAccessCollection, To: RandomAccessCollection>(
        from chosen: From,
        to next: To,
        topK: Int,
        weight: Float
    )
    where
        From.Element: BinaryInteger, From.Index == Int,
        To.Element: BinaryInteger, To.Index == Int
    {
        let shift = next.startIndex - chosen.startIndex
        for start in stride(from: chosen.startIndex, to: chosen.endIndex, by: topK) {
            for place in start..<start + topK {
                let first = Int(chosen[place])
                guard first >= 0, first < experts else { continue }
                for other in start + shift..<start + shift + topK {
                    let second = Int(next[other])
                    guard second >= 0, second < following else { continue }
                    transitions[first * following + second] += weight
                }
            }
        }
    }

    /// Multiplies every count.
    mutating func scale(by factor: Float) {
        for index in activations.indices { activations[index] *= factor }
        for index in coactivations.indices { coactivations[index] *= factor }
        for index in transitions.indices { transitions[index] *= factor }
    }

    /// Adds counts of the same layer, each times `factor`.
    mutating func add(_ other: LayerCounts, times factor: Float) {
        precondition(other.experts == experts && other.following == following, "another layer")
        for index in activations.indices {
            activations[index] += factor * other.activations[index]
        }
        for index in coactivations.indices {
            coactivations[index] += factor * other.coactivations[index]
        }
        for index in transitions.indices {
            transitions[index] += factor * other.transitions[index]
        }
    }

    /// The counts times `scale`, pairs that never met left out.
    func layer(scale: Double) -> Profile.Layer {
        var pairs: [PairCount] = []
        for first in 0..<experts {
            for second in first + 1..<max(first + 1, experts) {
                let count = coactivations[offset(of: first) + second]
                if count > 0 {
                    pairs.append(PairCount(first, second, count: Double(count) * scale))
                }
            }
        }
        var moves: [PairCount] = []
        for (slot, count) in transitions.enumerated() where count > 0 {
            let (first, second) = slot.quotientAndRemainder(dividingBy: following)
            moves.append(PairCount(first, second, count: Double(count) * scale))
        }
        return Profile.Layer(
            activations: activations.map { Double($0) * scale },
            coactivations: pairs,
            transitions: moves
        )
    }
}
