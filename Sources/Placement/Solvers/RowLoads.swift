/// Rows that workers get from a profile: what `contiguous` and `balanced` are judged by.
struct RowLoads {
    let problem: PlacementProblem

    /// Rows of each worker in one layer, copies sharing theirs equally; `[worker]`.
    func rows(_ entries: [ExpertEntry], layer: Int) -> [Double] {
        var rows = Array(repeating: 0.0, count: problem.workers.count)
        for (expert, count) in problem.profile.layers[layer].activations.enumerated() {
            switch entries[expert] {
            case .worker(let worker):
                rows[worker] += count
            case .replicas(let workers):
                for worker in workers { rows[worker] += count / Double(workers.count) }
            case .shards(let shards):
                let width = Double(max(1, shards.map(\.to).max() ?? 1))
                for shard in shards {
                    rows[shard.worker] += count * Double(shard.to - shard.from) / width
                }
            }
        }
        return rows
    }

    /// Busiest worker's rows, each divided by its worker's speed, over all layers.
    func objective(_ plan: Plan) -> Double {
        plan.layers.indices.reduce(0) { sum, layer in
            let rows = rows(plan.layers[layer], layer: layer)
            let times = zip(rows, problem.workers).map { $0 / $1.speed }
            return sum + (times.max() ?? 0)
        }
    }

    /// No plan has less: rows are spread evenly at best.
    ///
    /// - Parameter whole: every expert is on one worker, so the hottest one is somewhere.
    func lowerBound(whole: Bool) -> Double {
        let speeds = problem.workers.map(\.speed)
        let total = speeds.reduce(0, +)
        let fastest = speeds.max() ?? 1
        return problem.profile.layers.reduce(0) { sum, layer in
            let even = layer.activations.reduce(0, +) / total
            let hottest = whole ? (layer.activations.max() ?? 0) / fastest : 0
            return sum + max(even, hottest)
        }
    }
}

extension PlacementProblem {
    /// Rows on the busiest worker over the mean; 1 in a layer without rows; `[layer]`.
    public func maxOverMeanLoads(of plan: Plan) -> [Double] {
        plan.layers.indices.map { layer in
            let rows = RowLoads(problem: self).rows(plan.layers[layer], layer: layer)
            let total = rows.reduce(0, +)
            guard total > 0, let most = rows.max() else { return 1 }
            return most * Double(rows.count) / total
        }
    }
}
