public import Model
public import Placement

/// Splits a layer's routing into one share per worker, as the plan says.
///
/// Made once per plan; holds each expert's owner in a flat table, so that the step does not look
/// into the plan's entries.
public struct Dispatch: Equatable, Sendable {
    public let epoch: Epoch
    /// The plan's workers; shares name them by index.
    public let workers: [WorkerName]
    /// `[layer][expert]`, indices into `workers`.
    private let owners: [[Int]]

    /// - Throws: `notBuilt` where the plan has replicas or shards.
    public init(plan: Plan) throws(PlanError) {
        try plan.requireWholeExperts()
        epoch = plan.epoch
        workers = plan.workers
        owners = plan.layers.map { entries in entries.flatMap(\.workers) }
    }

    /// Splits one batch into the workers' shares: those that have work first, ordered by worker,
    /// then empty ones, which are kept for their memory.
    ///
    /// Every pair of a row and one of its experts lands in exactly one share. The result depends
    /// on nothing but the plan and the routing. With the shares of an earlier batch, filling them
    /// allocates nothing once they have been large enough.
    ///
    /// - Precondition: the plan was validated for the model whose router chose.
    public func split(_ routing: Routing, layer: LayerIndex, into shares: inout [WorkerShare]) {
        precondition(
            owners.indices.contains(layer.rawValue),
            "the plan has \(owners.count) layers, no layer \(layer.rawValue)"
        )
        let owners = owners[layer.rawValue]
        if shares.count != workers.count {
            shares = workers.indices.map { WorkerShare(worker: $0) }
        }
        for worker in workers.indices { shares[worker].reset(worker: worker) }
        for (pair, expert) in routing.experts.enumerated() {
            precondition(
                owners.indices.contains(Int(expert)),
                "the plan has \(owners.count) experts here, no expert \(expert)"
            )
            shares[owners[Int(expert)]].append(
                row: UInt32(pair / routing.topK),
                expert: UInt32(expert),
                weight: routing.weights[pair]
            )
        }
        var filled = 0
        for worker in workers.indices where !shares[worker].rows.isEmpty {
            shares.swapAt(filled, worker)
            filled += 1
        }
    }
}

/// What one worker is asked to compute for one batch in one layer.
///
/// Only the batch's rows that the worker needs travel; pairs count within those.
public struct WorkerShare: Equatable, Sendable {
    /// Index into the plan's workers.
    public private(set) var worker: Int
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

    fileprivate init(worker: Int) { self.worker = worker }

    fileprivate mutating func reset(worker: Int) {
        self.worker = worker
        rows.removeAll(keepingCapacity: true)
        pairRows.removeAll(keepingCapacity: true)
        pairExperts.removeAll(keepingCapacity: true)
        pairWeights.removeAll(keepingCapacity: true)
    }

    /// Rows come in ascending order.
    fileprivate mutating func append(row: UInt32, expert: UInt32, weight: Float) {
        if rows.last != row { rows.append(row) }
        pairRows.append(UInt32(rows.count - 1))
        pairExperts.append(expert)
        pairWeights.append(weight)
    }
}
