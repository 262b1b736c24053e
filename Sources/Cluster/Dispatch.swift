public import Model
public import Placement

/// Splits a layer's routing into one share per worker, as the plan says.
///
/// Made once per plan; holds who has each expert in flat tables, so that the step does not look
/// into the plan's entries. Where an expert has copies, those are taken that keep the busiest
/// worker's time short (`CopyChoice`); the result depends on nothing but the plan, the routing and
/// who may be asked.
public struct Dispatch: Equatable, Sendable {
    public let epoch: Epoch
    /// The plan's workers; shares name them by index.
    public let workers: [WorkerName]
    private let layers: [Layer]
    private var choice: CopyChoice

    /// Who holds the experts of one layer.
    private struct Layer: Equatable {
        /// `[expert]`, the only worker that holds it, or -1 where there are several.
        let owners: [Int]
        /// `[expert]`, indices into `workers`, ascending.
        let copies: [[Int]]
        let hasReplicas: Bool
    }

    /// - Throws: `notBuilt` where the plan has shards.
    public init(plan: Plan) throws(PlanError) {
        try plan.requireWholeExperts()
        epoch = plan.epoch
        workers = plan.workers
        layers = plan.layers.map { entries in
            let copies = entries.map { Set($0.workers).sorted() }
            return Layer(
                owners: copies.map { $0.count == 1 ? $0[0] : -1 },
                copies: copies,
                hasReplicas: copies.contains { $0.count > 1 }
            )
        }
        choice = CopyChoice(
            expertCount: plan.layers.map(\.count).max() ?? 0,
            workerCount: plan.workers.count
        )
    }

    /// Of a cluster that has no plan yet.
    public static let none = Dispatch()

    private init() {
        epoch = Epoch(rawValue: 0)
        workers = []
        layers = []
        choice = CopyChoice(expertCount: 0, workerCount: 0)
    }

    /// Whether every expert is held by a worker that may be asked; `[worker]`.
    public func isCovered(by available: [Bool]) -> Bool {
        layers.allSatisfy { layer in
            layer.copies.allSatisfy { $0.contains { available[$0] } }
        }
    }

    /// Workers that hold an expert, as indices, ascending.
    public func copies(of expert: ExpertID) -> [Int] {
        layers[expert.layer.rawValue].copies[expert.index]
    }

    /// Splits one batch into the shares of workers that may be asked, ordered by worker; what
    /// nobody can compute becomes the last one, without a worker.
    ///
    /// Every pair of a row and one of its experts lands in exactly one share. With the list of an
    /// earlier batch, this allocates nothing once it has been large enough.
    ///
    /// - Precondition: the plan was validated for the model whose router chose.
    public mutating func split(
        _ routing: Routing,
        layer index: LayerIndex,
        among available: [Bool],
        into shares: inout ShareList
    ) {
        let layer = layer(index)
        shares.removeAll()
        let first = shares.open(workerCount: workers.count)
        if layer.hasReplicas {
            choice.begin()
            for expert in routing.experts { choice.count(Int(expert)) }
            choice.choose(among: layer.copies, available: available)
        }
        for (pair, expert) in routing.experts.enumerated() {
            precondition(
                layer.owners.indices.contains(Int(expert)),
                "the plan has \(layer.owners.count) experts here, no expert \(expert)"
            )
            shares.append(
                row: UInt32(pair / routing.topK),
                expert: UInt32(expert),
                weight: routing.weights[pair],
                at: first + next(Int(expert), of: layer, among: available)
            )
        }
        shares.close(from: first)
    }

    /// Splits one of the shares anew among workers that may be asked, and adds what comes of it.
    ///
    /// - Returns: the places of the new shares.
    mutating func split(
        shareAt place: Int,
        layer index: LayerIndex,
        among available: [Bool],
        in shares: inout ShareList
    ) -> Range<Int> {
        let layer = layer(index)
        let share = shares[place]
        let first = shares.open(workerCount: workers.count)
        choice.begin()
        for expert in share.pairExperts { choice.count(Int(expert)) }
        choice.choose(among: layer.copies, available: available)
        for (pair, expert) in share.pairExperts.enumerated() {
            let worker = choice.next(Int(expert)) ?? workers.count
            shares.append(
                row: share.rows[Int(share.pairRows[pair])],
                expert: expert,
                weight: share.pairWeights[pair],
                at: first + worker
            )
        }
        shares.close(from: first)
        return first..<shares.count
    }

    /// Where a pair's share lies behind the first: the worker's index, or the one past the last.
    private mutating func next(_ expert: Int, of layer: Layer, among available: [Bool]) -> Int {
        guard !layer.hasReplicas else { return choice.next(expert) ?? workers.count }
        let owner = layer.owners[expert]
        return available[owner] ? owner : workers.count
    }

    private func layer(_ index: LayerIndex) -> Layer {
        precondition(
            layers.indices.contains(index.rawValue),
            "the plan has \(layers.count) layers, no layer \(index.rawValue)"
        )
        return layers[index.rawValue]
    }
}
