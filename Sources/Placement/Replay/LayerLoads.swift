/// What each worker has to do for a step of one layer under a plan; memory is kept between steps.
struct LayerLoads {
    private let entries: [ExpertEntry]
    private let topK: Int
    private let hasReplicas: Bool
    private var choice: ReplicaChoice
    /// Rows of each expert in the step; `[expert]`.
    private var expertRows: [Int]
    /// The latest row that each worker was given, so that it travels once; `[worker]`.
    private var latestRow: [Int]
    private(set) var loads: [WorkerLoad]

    init(_ entries: [ExpertEntry], topK: Int, costs: [WorkerCosts]) {
        self.entries = entries
        self.topK = topK
        hasReplicas = entries.contains {
            if case .replicas = $0 { true } else { false }
        }
        choice = ReplicaChoice(costs: costs)
        expertRows = Array(repeating: 0, count: entries.count)
        latestRow = Array(repeating: -1, count: costs.count)
        loads = Array(repeating: WorkerLoad(), count: costs.count)
    }

    /// Fills `loads`.
    ///
    /// - Parameter chosen: `[row][topK]`.
    mutating func measure(_ chosen: ArraySlice<UInt16>) {
        for expert in expertRows.indices { expertRows[expert] = 0 }
        for expert in chosen { expertRows[Int(expert)] += 1 }
        for worker in loads.indices {
            loads[worker] = WorkerLoad()
            latestRow[worker] = -1
        }
        let copies = hasReplicas ? choice.choose(rows: expertRows, entries: entries) : []
        addExperts(copies)
        addRows(chosen, copies)
    }

    private mutating func addExperts(_ copies: [Int]) {
        for (expert, rows) in expertRows.enumerated() where rows > 0 {
            forEachPart(of: expert, copies) { load, part in
                load.experts += part
                load.pairs += part * Double(rows)
            }
        }
    }

    private mutating func addRows(_ chosen: ArraySlice<UInt16>, _ copies: [Int]) {
        for (place, expert) in chosen.enumerated() {
            let row = place / topK
            for worker in workers(of: Int(expert), copies) where latestRow[worker] != row {
                latestRow[worker] = row
                loads[worker].rows += 1
            }
        }
    }

    private func workers(of expert: Int, _ copies: [Int]) -> [Int] {
        if case .replicas = entries[expert] { return [copies[expert]] }
        return entries[expert].workers
    }

    private mutating func forEachPart(
        of expert: Int,
        _ copies: [Int],
        _ body: (inout WorkerLoad, Double) -> Void
    ) {
        switch entries[expert] {
        case .worker(let worker):
            body(&loads[worker], 1)
        case .replicas:
            body(&loads[copies[expert]], 1)
        case .shards(let shards):
            let width = Double(max(1, shards.map(\.to).max() ?? 1))
            for shard in shards {
                body(&loads[shard.worker], Double(shard.to - shard.from) / width)
            }
        }
    }
}
