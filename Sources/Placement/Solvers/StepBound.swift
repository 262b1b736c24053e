/// What no plan of whole experts can beat, step by step, even one made for that step alone.
struct StepBound {
    private let costs: [WorkerCosts]
    private let speeds: [Double]
    private let base: WorkerCosts

    init(_ problem: PlacementProblem) {
        costs = problem.workers.map(problem.costs.costs)
        speeds = problem.workers.map(\.speed)
        var plain = WorkerDescription(name: problem.workers[0].name)
        plain.speed = 1
        base = problem.costs.costs(of: plain)
    }

    /// Mean over the steps of the least seconds that the busiest worker needs in a layer.
    func mean(_ trace: RoutingTrace, layer: Int) -> Double {
        guard trace.expertCounts[layer] > 0, trace.stepCount > 0 else { return 0 }
        var sum = 0.0
        var rows = Array(repeating: 0, count: trace.expertCounts[layer])
        for step in 0..<trace.stepCount where trace.rowCounts[step] > 0 {
            for expert in rows.indices { rows[expert] = 0 }
            for expert in trace.experts(step: step, layer: layer) { rows[Int(expert)] += 1 }
            let used = rows.filter { $0 > 0 }
            sum += max(hottest(used), crowdest(used.count), shared(used, trace.rowCounts[step]))
        }
        return sum / Double(trace.stepCount)
    }

    /// The hottest expert is somewhere.
    private func hottest(_ rows: [Int]) -> Double {
        let most = Double(rows.max() ?? 0)
        return costs.map { cost in
            cost.fixed + cost.perExpert + most * (cost.perPair + cost.perRow)
        }.min() ?? 0
    }

    /// Some worker has at least the mean number of experts, rounded up, with a row each.
    private func crowdest(_ experts: Int) -> Double {
        let most = Double((experts + costs.count - 1) / costs.count)
        return costs.map { cost in
            cost.fixed + most * (cost.perExpert + cost.perPair) + cost.perRow
        }.min() ?? 0
    }

    /// All workers together have to compute everything, and each row travels at least once.
    ///
    /// A worker that is done at `t` has had `t - fixed` seconds for both. With a row priced at any
    /// `λ` of computing, they yield at most `(t - fixed) · max(speed, λ / perRow)`.
    private func shared(_ rows: [Int], _ rowCount: Int) -> Double {
        let compute = rows.reduce(0) { $0 + base.perExpert + Double($1) * base.perPair }
        let prices = Set([0] + zip(costs, speeds).map { $0.perRow * $1 })
        return prices.map { price in
            let yields = zip(costs, speeds).map { cost, speed in
                cost.perRow > 0 ? max(speed, price / cost.perRow) : speed
            }
            return time(for: compute + price * Double(rowCount), yields: yields)
        }.max() ?? 0
    }

    /// The earliest time by which workers that start at `fixed` have yielded `demand`.
    private func time(for demand: Double, yields: [Double]) -> Double {
        let order = costs.indices.sorted { costs[$0].fixed < costs[$1].fixed }
        var rate = 0.0
        var offset = 0.0
        var best = 0.0
        for (place, worker) in order.enumerated() {
            rate += yields[worker]
            offset += yields[worker] * costs[worker].fixed
            best = (demand + offset) / rate
            let next = place + 1 < order.count ? costs[order[place + 1]].fixed : .infinity
            if best <= next { break }
        }
        return best
    }
}
