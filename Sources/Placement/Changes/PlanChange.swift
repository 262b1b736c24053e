public import Model

/// The way from one plan to another, in stages that each fit every worker's memory.
///
/// In each stage experts are copied to where they are to be, then the stage's plan takes over, then
/// what it does not name is dropped. Between the first copy and the last drop a worker holds both,
/// and that fits. A pure value: it copies nothing itself.
public struct PlanChange: Hashable, Sendable {
    public let stages: [Stage]

    /// Copies that can be made in any order, and the plan that takes over after them.
    public struct Stage: Hashable, Sendable {
        public let moves: [Move]
        /// In force once all moves are done; its epoch is one more than that of the plan before.
        public let plan: Plan
        /// What may be dropped once no step uses an older plan.
        public let drops: [Drop]
    }

    /// A copy of an expert, or of a slice of it, to a worker that does not hold it yet.
    public struct Move: Hashable, Sendable {
        public let part: ExpertPart
        public let to: WorkerName
        /// Workers that hold at least this part now, in the order of the plan; may be empty where
        /// only slices of it are held.
        public let sources: [WorkerName]
        public let byteCount: Int
    }

    /// An expert or a slice that a worker need no longer hold.
    public struct Drop: Hashable, Sendable {
        public let part: ExpertPart
        public let worker: WorkerName
        public let byteCount: Int
    }

    public var moveCount: Int { stages.reduce(0) { $0 + $1.moves.count } }

    public var byteCount: Int {
        stages.reduce(0) { sum, stage in stage.moves.reduce(sum) { $0 + $1.byteCount } }
    }
}

/// An expert, or a slice of it along its width.
public struct ExpertPart: Hashable, Sendable {
    public let expert: ExpertID
    /// First feed-forward dimension.
    public let from: Int
    /// One past the last feed-forward dimension.
    public let to: Int

    public init(_ expert: ExpertID, from: Int, to: Int) {
        self.expert = expert
        self.from = from
        self.to = to
    }
}

/// What experts weigh.
public struct ExpertSizes: Hashable, Sendable {
    /// Bytes of one whole expert of each layer; `[layer]`, 0 for a layer without experts.
    public let byteCounts: [Int]
    /// Feed-forward dimensions of an expert.
    public let width: Int

    /// - Precondition: the width is positive.
    public init(byteCounts: [Int], width: Int) {
        precondition(width > 0, "experts of width \(width)")
        self.byteCounts = byteCounts
        self.width = width
    }

    /// Bytes of an expert or of a shard of it, rounded up.
    public func byteCount(of slice: ExpertSlice) -> Int {
        let dimensions = slice.dimensions ?? 0..<width
        return byteCount(
            of: ExpertPart(slice.expert, from: dimensions.lowerBound, to: dimensions.upperBound)
        )
    }

    /// Bytes of an expert or a slice, rounded up.
    public func byteCount(of part: ExpertPart) -> Int {
        let whole = byteCounts[part.expert.layer.rawValue]
        let share = min(max(0, part.to - part.from), width)
        let (high, low) = whole.multipliedFullWidth(by: share)
        let (quotient, rest) = width.dividingFullWidth((high, low))
        return quotient + (rest > 0 ? 1 : 0)
    }

    /// What a plan's entry puts on each of its workers.
    func parts(of expert: ExpertID, in entry: ExpertEntry) -> [Int: ExpertPart] {
        switch entry {
        case .worker(let worker):
            return [worker: ExpertPart(expert, from: 0, to: width)]
        case .replicas(let workers):
            let part = ExpertPart(expert, from: 0, to: width)
            return Dictionary(workers.map { ($0, part) }) { first, _ in first }
        case .shards(let shards):
            let parts = shards.map { ($0.worker, ExpertPart(expert, from: $0.from, to: $0.to)) }
            return Dictionary(parts) { first, _ in first }
        }
    }
}

extension Plan {
    /// Bytes of experts on each worker; `[worker]`.
    public func byteCounts(_ sizes: ExpertSizes) -> [Int] {
        var counts = Array(repeating: 0, count: workers.count)
        for (layer, entries) in layers.enumerated() {
            for (index, entry) in entries.enumerated() {
                let expert = ExpertID(layer: LayerIndex(layer), index: index)
                for (worker, part) in sizes.parts(of: expert, in: entry) {
                    counts[worker] += sizes.byteCount(of: part)
                }
            }
        }
        return counts
    }
}

/// Why one plan cannot be reached from another.
public enum PlanChangeError: Error, Hashable {
    /// The plans are not of the same model.
    case otherShape
    /// Even alone, an expert does not fit beside what the worker must hold meanwhile.
    case noRoom(WorkerName, ExpertID, needed: Int, free: Int)
}

extension PlanChangeError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .otherShape:
            "the two plans are not of the same model: their layers or experts differ in number"
        case .noRoom(let worker, let expert, let needed, let free):
            "worker '\(worker)' cannot take \(expert): it needs \(needed) bytes, \(free) are free, "
                + "and nothing there can be put elsewhere meanwhile"
        }
    }
}
