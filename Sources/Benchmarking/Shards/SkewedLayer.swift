import Model

/// Rows of one layer that each visit one expert, a tenth of the experts far more often than others.
///
/// The skew of MoEShard's evaluation: expert i is drawn with a probability in proportion to
/// 1/E + 0.6 if it is one of the first tenth, rounded up, else to 1/E.
public struct SkewedLayer: Sendable {
    static let skew = 0.6
    static let hotShare = 0.1

    /// `[expert]`.
    public let rowCounts: [Int]
    /// `[expert]`, what the rows were drawn by.
    let probabilities: [Double]

    public init(expertCount: Int, rowCount: Int, seed: UInt64) {
        let hot = Int((Self.hotShare * Double(expertCount)).rounded(.up))
        let weights = (0..<expertCount).map { expert in
            1 / Double(expertCount) + (expert < hot ? Self.skew : 0)
        }
        let total = weights.reduce(0, +)
        probabilities = weights.map { $0 / total }
        var random = SeededRandom(seed: seed)
        var counts = Array(repeating: 0, count: expertCount)
        for _ in 0..<rowCount {
            var rest = random.unit()
            let expert = probabilities.firstIndex { weight in
                rest -= weight
                return rest < 0
            }
            counts[expert ?? expertCount - 1] += 1
        }
        rowCounts = counts
    }
}

/// How a layer's experts lie on workers.
public enum ShardMode: String, CaseIterable, Sendable {
    /// Consecutive whole experts to each worker.
    case contiguous
    /// As many whole experts to each worker, chosen so that the expected rows are even.
    case balanced
    /// A slice of every expert to each worker.
    case sharded

    /// What one worker computes: its experts' rows, all of the same slice of the width.
    struct Load {
        /// `[expert held]`.
        var rowCounts: [Int]
        /// Of how many workers that share each expert's width.
        var parts: Int
    }

    /// `[worker]`.
    func loads(of layer: SkewedLayer, workerCount: Int) -> [Load] {
        let rows = layer.rowCounts
        switch self {
        case .contiguous:
            return Self.split(rows) { $0 * workerCount / rows.count }
        case .balanced:
            let owners = Self.balancedOwners(layer.probabilities, workerCount)
            return Self.split(rows) { owners[$0] }
        case .sharded:
            let load = Load(rowCounts: rows, parts: workerCount)
            return Array(repeating: load, count: workerCount)
        }
    }

    private static func split(_ rows: [Int], owner: (Int) -> Int) -> [Load] {
        let groups = Dictionary(grouping: rows.indices, by: owner)
        return groups.sorted { $0.key < $1.key }
            .map { Load(rowCounts: $0.value.map { rows[$0] }, parts: 1) }
    }

    /// The largest first, each to the least busy worker that has room.
    private static func balancedOwners(_ probabilities: [Double], _ workerCount: Int) -> [Int] {
        let room = (probabilities.count + workerCount - 1) / workerCount
        var loads = Array(repeating: 0.0, count: workerCount)
        var counts = Array(repeating: 0, count: workerCount)
        var owners = Array(repeating: 0, count: probabilities.count)
        let order = probabilities.indices.sorted { probabilities[$0] > probabilities[$1] }
        for expert in order {
            let free = loads.indices.filter { counts[$0] < room }
            guard let worker = free.min(by: { loads[$0] < loads[$1] }) else { continue }
            loads[worker] += probabilities[expert]
            counts[worker] += 1
            owners[expert] = worker
        }
        return owners
    }
}
