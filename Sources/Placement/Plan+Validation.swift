import Model

extension Plan {
    /// Checks the plan against a model: every expert placed, on workers that exist.
    ///
    /// `expertCounts` is `[layer]`, 0 for a layer without experts. Where the experts' feed-forward
    /// dimension is given as `expertWidth`, shards must cover it.
    public func validate(
        expertCounts: [Int],
        expertWidth: Int? = nil,
        limits: Limits = Limits()
    ) throws(PlanError) {
        try validateWorkers(limits: limits)
        guard layers.count == expertCounts.count else {
            throw .layerCount(found: layers.count, expected: expertCounts.count)
        }
        for (layer, entries) in layers.enumerated() {
            guard entries.count == expertCounts[layer] else {
                throw .expertCount(
                    LayerIndex(layer),
                    found: entries.count,
                    expected: expertCounts[layer]
                )
            }
            for (index, entry) in entries.enumerated() {
                let expert = ExpertID(layer: LayerIndex(layer), index: index)
                try validate(entry, of: expert, width: expertWidth, limits: limits)
            }
        }
    }

    /// Checks that the entries make sense by themselves.
    public func validateEntries(limits: Limits = Limits()) throws(PlanError) {
        for (layer, entries) in layers.enumerated() {
            for (index, entry) in entries.enumerated() {
                let expert = ExpertID(layer: LayerIndex(layer), index: index)
                try validate(entry, of: expert, width: nil, limits: limits)
            }
        }
    }

    func validateWorkers(limits: Limits) throws(PlanError) {
        guard !workers.isEmpty else { throw .noWorkers }
        guard workers.count <= limits.workers else {
            throw .tooMany(what: "workers", limit: limits.workers)
        }
        var seen: Set<WorkerName> = []
        for name in workers where !seen.insert(name).inserted {
            throw .duplicateWorker(name)
        }
    }

    private func validate(
        _ entry: ExpertEntry,
        of expert: ExpertID,
        width: Int?,
        limits: Limits
    ) throws(PlanError) {
        let held = entry.workers
        guard held.count <= limits.partsPerExpert else {
            throw .tooMany(what: "parts of \(expert)", limit: limits.partsPerExpert)
        }
        for worker in held where !workers.indices.contains(worker) {
            throw .unknownWorker(expert, index: worker, workerCount: workers.count)
        }
        switch entry {
        case .worker: return
        case .replicas: try validateReplicas(held, of: expert)
        case .shards(let shards): try validateShards(shards, of: expert, width: width)
        }
    }

    private func validateReplicas(_ held: [Int], of expert: ExpertID) throws(PlanError) {
        guard !held.isEmpty else {
            throw .badReplicas(expert, reason: "there are none")
        }
        guard Set(held).count == held.count else {
            throw .badReplicas(expert, reason: "a worker is listed twice")
        }
    }

    private func validateShards(
        _ shards: [Shard],
        of expert: ExpertID,
        width: Int?
    ) throws(PlanError) {
        guard Set(shards.map(\.worker)).count == shards.count else {
            throw .badShards(expert, reason: "a worker is listed twice")
        }
        var covered = 0
        for shard in shards.sorted(by: { $0.from < $1.from }) {
            guard shard.from == covered, shard.to > shard.from else {
                throw .badShards(
                    expert,
                    reason: "\(shard.from)..<\(shard.to) does not go on from \(covered)"
                )
            }
            guard shard.from % ExpertSlice.step == 0 else {
                throw .badShards(
                    expert,
                    reason: "one begins at \(shard.from), no multiple of \(ExpertSlice.step)"
                )
            }
            covered = shard.to
        }
        if let width, covered != width {
            throw .badShards(expert, reason: "they cover \(covered) of \(width) dimensions")
        }
        guard covered > 0 else {
            throw .badShards(expert, reason: "there are none")
        }
    }
}
