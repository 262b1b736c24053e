extension Plan {
    /// A slice of every expert to each worker, in proportion to its speed.
    ///
    /// Whatever experts the rows choose, every worker has its part of the work; but every row
    /// travels to all of them.
    ///
    /// - Precondition: there are workers, of which one has a speed above 0.
    public static func sharded(
        workers: [WorkerDescription],
        expertCounts: [Int],
        expertWidth: Int,
        epoch: Epoch
    ) -> Plan {
        let cutter = ExpertCutter(speeds: workers.map(\.speed), width: expertWidth)
        return Plan(
            epoch: epoch,
            workers: workers.map(\.name),
            layers: expertCounts.map { count in
                (0..<count).map { .shards(cutter.shards(of: $0)) }
            }
        )
    }

    /// The plan with those experts in shards that would keep everybody waiting for their worker.
    ///
    /// Layer by layer, the largest expert of the busiest worker is cut for all workers, as long as
    /// that shortens the layer: as long as what the others save by not waiting is more than what
    /// it takes to send the expert's rows to all of them. Where cutting all experts is shorter
    /// still, all are cut.
    ///
    /// - Parameters:
    ///   - rowCounts: `[layer][expert]`, rows of a batch that choose each, as expected.
    ///   - workers: those of the plan, in its order; one has a speed above 0.
    public func hybrid(
        rowCounts: [[Double]],
        workers: [WorkerDescription],
        costs: CostModel,
        expertWidth: Int,
        epoch: Epoch
    ) -> Plan {
        precondition(workers.map(\.name) == self.workers, "other workers than the plan's")
        let cutter = ExpertCutter(speeds: workers.map(\.speed), width: expertWidth)
        let layers = zip(layers, rowCounts).map { entries, rows in
            precondition(entries.count == rows.count, "rows of \(rows.count) experts")
            var layer = HybridLayer(
                entries: entries,
                rowCounts: rows,
                costs: workers.map { costs.costs(of: $0) },
                cutter: cutter
            )
            layer.cut()
            return layer.entries
        }
        return Plan(epoch: epoch, workers: self.workers, layers: layers)
    }

    /// What the layers of a batch take together, as far as it depends on the plan.
    ///
    /// Rows that visit several experts of a worker count once for each: the most they can cost.
    public func expectedSeconds(
        rowCounts: [[Double]],
        workers: [WorkerDescription],
        costs: CostModel,
        expertWidth: Int
    ) -> Double {
        let cutter = ExpertCutter(speeds: workers.map(\.speed), width: expertWidth)
        return zip(layers, rowCounts).reduce(0) { total, layer in
            let (entries, rows) = layer
            let costs = workers.map { costs.costs(of: $0) }
            return total
                + HybridLayer(entries: entries, rowCounts: rows, costs: costs, cutter: cutter)
                .seconds
        }
    }
}
