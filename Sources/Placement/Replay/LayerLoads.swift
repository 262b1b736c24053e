/// What each worker has to do for a step of one layer under a plan; memory is kept between steps.
struct LayerLoads {
    private let entries: [ExpertEntry]
    /// `[expert]`, who has it whole, ascending; empty where it lies in shards.
    private let copies: [[Int]]
    private let topK: Int
    /// All may be asked; `[worker]`.
    private let everybody: [Bool]
    private let hasReplicas: Bool
    private var choice: CopyChoice
    /// Rows of each expert in the step; `[expert]`.
    private var expertRows: [Int]
    /// Whether a worker computes rows of an expert in the step; `[expert][worker]`.
    private var isAsked: [Bool]
    /// The latest row that each worker was given, so that it travels once; `[worker]`.
    private var latestRow: [Int]
    private(set) var loads: [WorkerLoad]

    init(_ entries: [ExpertEntry], topK: Int, workerCount: Int) {
        self.entries = entries
        self.topK = topK
        copies = entries.map { $0.shards.isEmpty ? Set($0.workers).sorted() : [] }
        hasReplicas = copies.contains { $0.count > 1 }
        choice = CopyChoice(expertCount: entries.count, workerCount: workerCount)
        everybody = Array(repeating: true, count: workerCount)
        expertRows = Array(repeating: 0, count: entries.count)
        isAsked = Array(repeating: false, count: entries.count * workerCount)
        latestRow = Array(repeating: -1, count: workerCount)
        loads = Array(repeating: WorkerLoad(), count: workerCount)
    }

    /// Fills `loads`.
    ///
    /// - Parameter chosen: `[row][topK]`.
    mutating func measure(_ chosen: ArraySlice<UInt16>) {
        begin()
        if hasReplicas { chooseCopies(chosen) }
        for (place, expert) in chosen.enumerated() {
            let expert = Int(expert)
            let row = place / topK
            expertRows[expert] += 1
            if copies[expert].isEmpty {
                for shard in entries[expert].shards { travel(row, to: shard.worker) }
            } else if let worker = hasReplicas ? choice.next(expert) : copies[expert][0] {
                compute(expert, on: worker)
                travel(row, to: worker)
            }
        }
        addShards()
    }

    private mutating func begin() {
        for expert in expertRows.indices { expertRows[expert] = 0 }
        for place in isAsked.indices { isAsked[place] = false }
        for worker in loads.indices {
            loads[worker] = WorkerLoad()
            latestRow[worker] = -1
        }
    }

    /// As a step does: among all experts that are whole.
    private mutating func chooseCopies(_ chosen: ArraySlice<UInt16>) {
        choice.begin()
        for expert in chosen where !copies[Int(expert)].isEmpty { choice.count(Int(expert)) }
        choice.choose(among: copies, available: everybody)
    }

    private mutating func compute(_ expert: Int, on worker: Int) {
        loads[worker].pairs += 1
        let place = expert * loads.count + worker
        guard !isAsked[place] else { return }
        isAsked[place] = true
        loads[worker].experts += 1
    }

    private mutating func travel(_ row: Int, to worker: Int) {
        guard latestRow[worker] != row else { return }
        latestRow[worker] = row
        loads[worker].rows += 1
    }

    private mutating func addShards() {
        for (expert, rows) in expertRows.enumerated() where rows > 0 && copies[expert].isEmpty {
            let shards = entries[expert].shards
            let width = Double(max(1, shards.map(\.to).max() ?? 1))
            for shard in shards {
                let part = Double(shard.to - shard.from) / width
                loads[shard.worker].experts += part
                loads[shard.worker].pairs += part * Double(rows)
            }
        }
    }
}
