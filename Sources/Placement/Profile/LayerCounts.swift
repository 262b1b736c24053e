/// One layer's counts in dense tables, as they are added up.
///
/// Sums are f32: whole numbers stay exact up to 2^24 rows. Experts that do not exist are passed
/// over, so that nothing a router says can trap here.
struct LayerCounts: Hashable, Sendable {
    let experts: Int
    let following: Int
    private var activations: [Float]
    /// `[first][second]` without the diagonal and what lies below it, row after row.
    private var coactivations: [Float]
    /// `[first][second of the next layer]`.
    private var transitions: [Float]

    /// - Parameter following: experts of the next layer, 0 where it has none.
    init(experts: Int, following: Int) {
        self.experts = experts
        self.following = following
        activations = Array(repeating: 0, count: experts)
        coactivations = Array(repeating: 0, count: experts * max(0, experts - 1) / 2)
        transitions = Array(repeating: 0, count: experts * following)
    }

    /// Bytes that the tables take.
    static func byteCount(experts: Int, following: Int) -> Int {
        4 * (experts + experts * max(0, experts - 1) / 2 + experts * following)
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
