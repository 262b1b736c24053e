public import Model

/// Which worker holds which expert; a value, numbered by its epoch.
///
/// Workers are named once and referred to by index. A plan as read from a file or the network is
/// only well-formed; `validate` checks it against a model.
public struct Plan: Hashable, Sendable {
    public let epoch: Epoch
    public let workers: [WorkerName]
    /// `[layer][expert]`; a layer without experts is empty.
    public let layers: [[ExpertEntry]]

    public init(epoch: Epoch, workers: [WorkerName], layers: [[ExpertEntry]]) {
        self.epoch = epoch
        self.workers = workers
        self.layers = layers
    }
}

/// Where one expert is held; workers are indices into `Plan.workers`.
public enum ExpertEntry: Hashable, Sendable {
    case worker(Int)
    /// Whole copies; any one of them answers.
    case replicas([Int])
    /// Slices along the expert's width; all of them together answer.
    case shards([Shard])
}

/// A slice of one expert along its width.
public struct Shard: Hashable, Sendable {
    public let worker: Int
    /// First feed-forward dimension held.
    public let from: Int
    /// One past the last feed-forward dimension held.
    public let to: Int

    public init(worker: Int, from: Int, to: Int) {
        self.worker = worker
        self.from = from
        self.to = to
    }
}

extension ExpertEntry {
    /// Every worker that holds the expert or a part of it, in the order written.
    public var workers: [Int] {
        switch self {
        case .worker(let worker): [worker]
        case .replicas(let workers): workers
        case .shards(let shards): shards.map(\.worker)
        }
    }

    /// The shards of an expert that is cut; none where it is whole.
    public var shards: [Shard] {
        if case .shards(let shards) = self { shards } else { [] }
    }

    /// Which feed-forward dimensions are in a worker's shard; nil where it has no shard.
    func dimensions(of worker: Int) -> Range<Int>? {
        shards.first { $0.worker == worker }.map { $0.from..<$0.to }
    }

    func isHeld(by worker: Int) -> Bool {
        switch self {
        case .worker(let owner): owner == worker
        case .replicas(let workers): workers.contains(worker)
        case .shards(let shards): shards.contains { $0.worker == worker }
        }
    }
}

extension Plan {
    /// The index of a worker in this plan, or nil where the plan does not name it.
    public func index(of name: WorkerName) -> Int? {
        workers.firstIndex(of: name)
    }

    /// Every expert that a worker holds, whole or in part, ordered by layer and index.
    public func experts(of worker: Int) -> [ExpertID] {
        var held: [ExpertID] = []
        for (layer, entries) in layers.enumerated() {
            for (index, entry) in entries.enumerated() where entry.isHeld(by: worker) {
                held.append(ExpertID(layer: LayerIndex(layer), index: index))
            }
        }
        return held
    }

    /// The same, with what of each it holds.
    public func slices(of worker: Int) -> [ExpertSlice] {
        experts(of: worker).map { expert in
            let entry = layers[expert.layer.rawValue][expert.index]
            return ExpertSlice(expert, dimensions: entry.dimensions(of: worker))
        }
    }

    /// The one worker that holds all of an expert, or nil where there is no such worker or no
    /// such expert.
    public func owner(of expert: ExpertID) -> Int? {
        guard layers.indices.contains(expert.layer.rawValue) else { return nil }
        let entries = layers[expert.layer.rawValue]
        guard entries.indices.contains(expert.index) else { return nil }
        guard case .worker(let owner) = entries[expert.index] else { return nil }
        return owner
    }

    /// Whether every expert can be computed by workers that are available.
    public func isCovered(by isAvailable: (Int) -> Bool) -> Bool {
        layers.joined().allSatisfy { $0.isCovered(where: isAvailable) }
    }

    /// How many experts each worker holds, whole or in part; `[worker]`.
    public var expertCounts: [Int] {
        var counts = Array(repeating: 0, count: workers.count)
        for entry in layers.joined() {
            for worker in Set(entry.workers) where counts.indices.contains(worker) {
                counts[worker] += 1
            }
        }
        return counts
    }
}
