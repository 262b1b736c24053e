import Model

extension PlanChange {
    /// The stages from `old` to `new`; none where both place everything alike.
    ///
    /// - Parameters:
    ///   - sizes: of the model's experts.
    ///   - room: bytes that each worker has for experts in all; unlimited where it is not named.
    ///   - stageByteLimit: copies of a stage beyond its first one stay below this, so that a
    ///     change can be abandoned between stages.
    /// - Throws: `noRoom` where some worker never has the memory for its next expert.
    public init(
        from old: Plan,
        to new: Plan,
        sizes: ExpertSizes,
        room: [WorkerName: Int],
        stageByteLimit: Int = .max
    ) throws(PlanChangeError) {
        guard old.layers.map(\.count) == new.layers.map(\.count),
            old.layers.count == sizes.byteCounts.count
        else { throw .otherShape }
        var state = ChangeState(from: old, to: new, sizes: sizes, room: room)
        var stages: [Stage] = []
        while !state.pending.isEmpty {
            stages.append(try state.nextStage(byteLimit: stageByteLimit))
        }
        if stages.isEmpty, old.workers != new.workers { stages.append(state.finalStage()) }
        self.init(stages: stages)
    }
}

/// Where everything is between two stages.
private struct ChangeState {
    /// The new plan's workers, so that its indices hold, then those that leave.
    let workers: [WorkerName]
    let sizes: ExpertSizes
    let target: [[ExpertEntry]]
    let finalWorkers: [WorkerName]
    var epoch: Epoch
    var current: [[ExpertEntry]]
    /// Experts that are not yet where they are to be, ascending.
    var pending: [ExpertID]
    /// Bytes that each worker may still take.
    var free: [Int]
    /// Experts that were put aside once; never again, so that stages come to an end.
    var parked: Set<ExpertID> = []

    init(from old: Plan, to new: Plan, sizes: ExpertSizes, room: [WorkerName: Int]) {
        let leaving = old.workers.filter { new.index(of: $0) == nil }
        let all = new.workers + leaving
        let places = old.workers.map { name in all.firstIndex(of: name) ?? 0 }
        let layers = old.layers.map { entries in entries.map { $0.renumbered(places) } }
        workers = all
        finalWorkers = new.workers
        epoch = old.epoch
        current = layers
        target = new.layers
        self.sizes = sizes
        pending = []
        free = all.map { room[$0] ?? Int.max / 2 }
        for (layer, entries) in layers.enumerated() {
            for (index, entry) in entries.enumerated() {
                let expert = ExpertID(layer: LayerIndex(layer), index: index)
                for (worker, part) in sizes.parts(of: expert, in: entry) {
                    free[worker] -= sizes.byteCount(of: part)
                }
                let wanted = sizes.parts(of: expert, in: new.layers[layer][index])
                if sizes.parts(of: expert, in: entry) != wanted { pending.append(expert) }
            }
        }
    }

    /// As many pending experts as fit; if none does, one is put aside to make room.
    mutating func nextStage(byteLimit: Int) throws(PlanChangeError) -> PlanChange.Stage {
        var changes: [(ExpertID, ExpertEntry)] = []
        var left = free
        var stageBytes = 0
        for expert in pending {
            let entry = self[target, expert]
            let needs = needs(of: expert, for: entry)
            let bytes = needs.reduce(0) { $0 + $1.byteCount }
            guard needs.allSatisfy({ left[$0.worker] >= $0.byteCount }) else { continue }
            guard stageBytes == 0 || bytes <= byteLimit - stageBytes else { continue }
            for need in needs { left[need.worker] -= need.byteCount }
            stageBytes += bytes
            changes.append((expert, entry))
        }
        if changes.isEmpty { changes = [try relief()] }
        return apply(changes)
    }

    /// For new names alone.
    mutating func finalStage() -> PlanChange.Stage { apply([]) }

    private subscript(_ layers: [[ExpertEntry]], _ expert: ExpertID) -> ExpertEntry {
        layers[expert.layer.rawValue][expert.index]
    }

    /// What workers must be given before `entry` can take over.
    private func needs(
        of expert: ExpertID,
        for entry: ExpertEntry
    ) -> [(worker: Int, part: ExpertPart, byteCount: Int)] {
        let held = sizes.parts(of: expert, in: self[current, expert])
        return sizes.parts(of: expert, in: entry).sorted { $0.key < $1.key }
            .filter { held[$0.key] != $0.value }
            .map { ($0.key, $0.value, sizes.byteCount(of: $0.value)) }
    }

    /// Makes room on a worker that somebody waits for: a copy that is not needed goes at once, or
    /// an expert waits elsewhere.
    private mutating func relief() throws(PlanChangeError) -> (ExpertID, ExpertEntry) {
        let short = Set(
            pending.flatMap { expert in
                needs(of: expert, for: self[target, expert])
                    .filter { free[$0.worker] < $0.byteCount }.map(\.worker)
            }
        )
        for expert in pending where !parked.contains(expert) {
            guard let entry = entry(relieving: short, of: expert) else { continue }
            parked.insert(expert)
            return (expert, entry)
        }
        throw shortage()
    }

    private func entry(relieving short: Set<Int>, of expert: ExpertID) -> ExpertEntry? {
        let wanted = self[target, expert].workers
        let held = self[current, expert].workers
        let leaving = held.filter { short.contains($0) && !wanted.contains($0) }
        guard let worker = leaving.first else { return nil }
        switch self[current, expert] {
        case .shards:
            return nil
        case .replicas(let copies) where copies.count > 1:
            let rest = copies.filter { $0 != worker }
            return rest.count == 1 ? .worker(rest[0]) : .replicas(rest)
        case .worker, .replicas:
            let byteCount = sizes.byteCounts[expert.layer.rawValue]
            // Where it is to be in the end does not count: it would be there already.
            let place = free.indices.filter { !short.contains($0) && free[$0] >= byteCount }
                .max { (free[$0], $1) < (free[$1], $0) }
            return place.map { .worker($0) }
        }
    }

    private func shortage() -> PlanChangeError {
        for expert in pending {
            for need in needs(of: expert, for: self[target, expert])
            where free[need.worker] < need.byteCount {
                return .noRoom(
                    workers[need.worker],
                    expert,
                    needed: need.byteCount,
                    free: max(0, free[need.worker])
                )
            }
        }
        return .otherShape
    }

    private mutating func apply(_ changes: [(ExpertID, ExpertEntry)]) -> PlanChange.Stage {
        var moves: [PlanChange.Move] = []
        var drops: [PlanChange.Drop] = []
        for (expert, entry) in changes {
            let held = sizes.parts(of: expert, in: self[current, expert])
            for need in needs(of: expert, for: entry) {
                free[need.worker] -= need.byteCount
                moves.append(move(need.part, to: need.worker, held: held, need.byteCount))
            }
            let kept = sizes.parts(of: expert, in: entry)
            for (worker, part) in held.sorted(by: { $0.key < $1.key })
            where kept[worker] != part {
                let byteCount = sizes.byteCount(of: part)
                free[worker] += byteCount
                drops.append(
                    PlanChange.Drop(part: part, worker: workers[worker], byteCount: byteCount)
                )
            }
            current[expert.layer.rawValue][expert.index] = entry
        }
        let done = Set(changes.map(\.0).filter { self[current, $0] == self[target, $0] })
        pending.removeAll { done.contains($0) }
        epoch = Epoch(rawValue: epoch.rawValue &+ 1)
        let plan = Plan(
            epoch: epoch,
            workers: pending.isEmpty ? finalWorkers : workers,
            layers: pending.isEmpty ? target : current
        )
        return PlanChange.Stage(moves: moves, plan: plan, drops: drops)
    }

    private func move(
        _ part: ExpertPart,
        to worker: Int,
        held: [Int: ExpertPart],
        _ byteCount: Int
    ) -> PlanChange.Move {
        let sources = held.filter { $0.value.from <= part.from && $0.value.to >= part.to }
        return PlanChange.Move(
            part: part,
            to: workers[worker],
            sources: sources.keys.sorted().map { workers[$0] },
            byteCount: byteCount
        )
    }
}

extension ExpertEntry {
    /// The same entry in a plan that names its workers in another order.
    fileprivate func renumbered(_ places: [Int]) -> ExpertEntry {
        switch self {
        case .worker(let worker):
            return .worker(places[worker])
        case .replicas(let workers):
            return .replicas(workers.map { places[$0] })
        case .shards(let shards):
            return .shards(
                shards.map { Shard(worker: places[$0.worker], from: $0.from, to: $0.to) }
            )
        }
    }
}
