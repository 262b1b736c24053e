public import Model
public import Placement

/// Splits a layer's routing into one share per worker, as the plan says.
///
/// Made once per plan; holds who has each expert in flat tables, so that the step does not look
/// into the plan's entries. Where an expert has copies, those are taken that keep the busiest
/// worker's time short (`CopyChoice`); where it lies in shards, all their holders compute it, each
/// its shard. The result depends on nothing but the plan, the routing and who may be asked.
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
        /// `[expert]`, those who hold a shard of it; empty where it is whole.
        let shards: [[Shard]]
        let hasShards: Bool
    }

    /// - Throws: where the plan's entries name workers that it does not have.
    public init(plan: Plan) throws(PlanError) {
        try plan.validateEntries()
        epoch = plan.epoch
        workers = plan.workers
        layers = plan.layers.map { entries in
            let copies = entries.map { Set($0.workers).sorted() }
            return Layer(
                owners: copies.map { $0.count == 1 ? $0[0] : -1 },
                copies: copies,
                hasReplicas: entries.contains { $0.shards.isEmpty && $0.workers.count > 1 },
                shards: entries.map(\.shards),
                hasShards: entries.contains { !$0.shards.isEmpty }
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
            layer.copies.indices.allSatisfy { expert in
                layer.shards[expert].isEmpty
                    ? layer.copies[expert].contains { available[$0] }
                    : layer.shards[expert].allSatisfy { available[$0.worker] }
            }
        }
    }

    /// Who holds an expert, or a shard of it, as indices, ascending; nobody where there is no such
    /// expert.
    public func holders(of expert: ExpertID) -> [Int] {
        guard layers.indices.contains(expert.layer.rawValue) else { return [] }
        let copies = layers[expert.layer.rawValue].copies
        return copies.indices.contains(expert.index) ? copies[expert.index] : []
    }

    /// Who may compute a pair of a share, as indices, ascending: whoever has a copy of the expert,
    /// or who alone has the shard that is meant.
    func homes(ofPair pair: Int, in share: WorkerShare, layer: LayerIndex) -> [Int] {
        if let home = share.home(ofPair: pair) { return [home] }
        return layers[layer.rawValue].copies[Int(share.pairExperts[pair])]
    }

    /// Whether a pair stands for its row's use of the expert: of one in shards the first does.
    public func isFirst(_ pair: Int, of share: WorkerShare, layer: LayerIndex) -> Bool {
        guard let home = share.home(ofPair: pair) else { return true }
        return layers[layer.rawValue].shards[Int(share.pairExperts[pair])].first?.worker == home
    }

    /// Whether pairs of shards mean the same shards under another plan.
    func hasSameShards(as other: Dispatch, in share: WorkerShare, of layer: LayerIndex) -> Bool {
        share.pairExperts.indices.allSatisfy { pair in
            guard share.home(ofPair: pair) != nil else { return true }
            let expert = Int(share.pairExperts[pair])
            let (mine, others) = (layers[layer.rawValue], other.layers[layer.rawValue])
            return workers == other.workers && mine.shards[expert] == others.shards[expert]
        }
    }

    /// Splits one batch into the shares of workers that may be asked, ordered by worker; what
    /// nobody can compute becomes the last one, without a worker.
    ///
    /// Every pair of a row and one of its experts lands in exactly one share, or in one for each
    /// shard of the expert. With the list of an earlier batch, this allocates nothing once it has
    /// been large enough.
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
            for expert in routing.experts where layer.shards[Int(expert)].isEmpty {
                choice.count(Int(expert))
            }
            choice.choose(among: layer.copies, available: available)
        }
        for (pair, expert) in routing.experts.enumerated() {
            precondition(
                layer.owners.indices.contains(Int(expert)),
                "the plan has \(layer.owners.count) experts here, no expert \(expert)"
            )
            let row = UInt32(pair / routing.topK)
            let (expert, weight) = (UInt32(expert), routing.weights[pair])
            guard !layer.hasShards || layer.shards[Int(expert)].isEmpty else {
                for shard in layer.shards[Int(expert)] {
                    let place = available[shard.worker] ? shard.worker : workers.count
                    shares.append(
                        row: row,
                        expert: expert,
                        weight: weight,
                        home: shard.worker,
                        at: first + place
                    )
                }
                continue
            }
            let place = next(Int(expert), of: layer, among: available)
            shares.append(row: row, expert: expert, weight: weight, at: first + place)
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
        let pairs = share.pairExperts.indices
        choice.begin()
        for pair in pairs where share.home(ofPair: pair) == nil {
            let expert = Int(share.pairExperts[pair])
            if layer.shards[expert].isEmpty { choice.count(expert) }
        }
        choice.choose(among: layer.copies, available: available)
        for pair in pairs {
            let row = share.rows[Int(share.pairRows[pair])]
            let (expert, weight) = (share.pairExperts[pair], share.pairWeights[pair])
            let homes =
                share.home(ofPair: pair).map { [$0] }
                ?? layer.shards[Int(expert)].map(\.worker)
            guard !homes.isEmpty else {
                let place = choice.next(Int(expert)) ?? workers.count
                shares.append(row: row, expert: expert, weight: weight, at: first + place)
                continue
            }
            for home in homes {
                let place = available[home] ? home : workers.count
                shares.append(
                    row: row,
                    expert: expert,
                    weight: weight,
                    home: home,
                    at: first + place
                )
            }
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
