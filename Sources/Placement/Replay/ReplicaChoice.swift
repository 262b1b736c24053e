/// Which copy of each expert answers in one step, so that the busiest worker has the least to do.
///
/// Experts with one copy are settled first. The others follow, those with the most rows first,
/// each to the copy whose worker is then done earliest; equal ones go to the lower expert and the
/// copy named first. Greedy, deterministic, and quick enough for every step.
struct ReplicaChoice {
    private let costs: [WorkerCosts]
    /// Seconds of what was settled so far; `[worker]`.
    private var seconds: [Double]

    init(costs: [WorkerCosts]) {
        self.costs = costs
        seconds = Array(repeating: 0, count: costs.count)
    }

    /// - Parameters:
    ///   - rows: of each expert in this step; `[expert]`.
    ///   - entries: the plan's; `[expert]`.
    /// - Returns: who answers for each replicated expert with rows, else -1; `[expert]`.
    mutating func choose(rows: [Int], entries: [ExpertEntry]) -> [Int] {
        for worker in seconds.indices { seconds[worker] = 0 }
        var chosen = Array(repeating: -1, count: entries.count)
        var open: [Int] = []
        for (expert, count) in rows.enumerated() where count > 0 {
            switch entries[expert] {
            case .worker(let worker): add(count, to: worker)
            case .replicas: open.append(expert)
            case .shards(let shards):
                let width = Double(max(1, shards.map(\.to).max() ?? 1))
                for shard in shards {
                    add(count, to: shard.worker, part: Double(shard.to - shard.from) / width)
                }
            }
        }
        open.sort { (rows[$1], $0) < (rows[$0], $1) }
        for expert in open {
            let copies = entries[expert].workers
            let best = copies.min { after(rows[expert], on: $0) < after(rows[expert], on: $1) }
            guard let best else { continue }
            chosen[expert] = best
            add(rows[expert], to: best)
        }
        return chosen
    }

    private func after(_ rows: Int, on worker: Int) -> Double {
        seconds[worker] + price(rows, on: worker, part: 1)
    }

    private mutating func add(_ rows: Int, to worker: Int, part: Double = 1) {
        seconds[worker] += price(rows, on: worker, part: part)
    }

    /// Rows that other experts send there anyway are counted again: which they are is not known.
    private func price(_ rows: Int, on worker: Int, part: Double) -> Double {
        let costs = costs[worker]
        return (costs.perExpert + Double(rows) * costs.perPair) * part
            + Double(rows) * costs.perRow
    }
}
