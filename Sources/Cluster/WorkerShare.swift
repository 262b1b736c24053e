/// What one worker is asked to compute for one batch in one layer.
///
/// Only the batch's rows that the worker needs travel; pairs count within those.
public struct WorkerShare: Equatable, Sendable {
    /// Index into the plan's workers; nil where no worker that could be asked holds the experts.
    public private(set) var worker: Int?
    /// The batch's rows in this share, ascending, each once; `[rowCount]`.
    ///
    /// Row `i` of the partial rows that come back belongs to row `rows[i]` of the batch.
    public private(set) var rows: [UInt32] = []
    /// `[pairs]`, ascending indices into `rows`; a row has a pair for each of its experts here.
    public private(set) var pairRows: [UInt32] = []
    /// `[pairs]`, expert indices within the layer.
    public private(set) var pairExperts: [UInt32] = []
    /// `[pairs]`, gate weights.
    public private(set) var pairWeights: [Float] = []
    /// `[pairs]`, the only worker whose shard of the expert is meant; -1 for a whole expert.
    private var pairHomes: [Int32] = []

    init(worker: Int?) { self.worker = worker }

    mutating func reset(worker: Int?) {
        self.worker = worker
        rows.removeAll(keepingCapacity: true)
        pairRows.removeAll(keepingCapacity: true)
        pairExperts.removeAll(keepingCapacity: true)
        pairWeights.removeAll(keepingCapacity: true)
        pairHomes.removeAll(keepingCapacity: true)
    }

    /// The only worker that can compute a pair, because its shard of the expert is meant; nil where
    /// whoever holds the expert can.
    func home(ofPair pair: Int) -> Int? {
        pairHomes[pair] < 0 ? nil : Int(pairHomes[pair])
    }

    /// Whether some of its pairs are for shards.
    var hasShards: Bool { pairHomes.contains { $0 >= 0 } }

    /// Rows come in ascending order.
    mutating func append(row: UInt32, expert: UInt32, weight: Float, home: Int? = nil) {
        if rows.last != row { rows.append(row) }
        pairRows.append(UInt32(rows.count - 1))
        pairExperts.append(expert)
        pairWeights.append(weight)
        pairHomes.append(Int32(home ?? -1))
    }
}

/// The shares of one batch, one behind the other, in memory that the next batch uses again.
public struct ShareList: Equatable, Sendable {
    /// Those beyond `count` are kept for their memory.
    private var storage: [WorkerShare] = []
    public private(set) var count = 0

    public init() {}

    public subscript(place: Int) -> WorkerShare {
        precondition(place < count, "there are \(count) shares, no share \(place)")
        return storage[place]
    }

    mutating func removeAll() { count = 0 }

    /// Adds an empty share for each worker of the plan, and one for what nobody can compute.
    ///
    /// - Returns: the place of worker 0's; the last is nobody's.
    mutating func open(workerCount: Int) -> Int {
        let first = count
        while storage.count <= first + workerCount { storage.append(WorkerShare(worker: nil)) }
        for worker in 0..<workerCount { storage[first + worker].reset(worker: worker) }
        storage[first + workerCount].reset(worker: nil)
        count = first + workerCount + 1
        return first
    }

    mutating func append(
        row: UInt32,
        expert: UInt32,
        weight: Float,
        home: Int? = nil,
        at place: Int
    ) {
        storage[place].append(row: row, expert: expert, weight: weight, home: home)
    }

    /// Lets go of the shares from `first` on that stayed empty; the others keep their order.
    mutating func close(from first: Int) {
        var filled = first
        for place in first..<count where !storage[place].rows.isEmpty {
            if place != filled { storage.swapAt(filled, place) }
            filled += 1
        }
        count = filled
    }
}
