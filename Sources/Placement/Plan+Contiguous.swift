extension Plan {
    /// Consecutive experts of every layer to each worker in turn, as Megatron places them.
    ///
    /// Workers' counts in a layer differ by at most one, the larger ones first; with fewer experts
    /// than workers the last ones get none. `expertCounts` is `[layer]`, 0 for a layer without
    /// experts.
    ///
    /// - Precondition: there is at least one worker.
    public static func contiguous(
        workers: [WorkerName],
        expertCounts: [Int],
        epoch: Epoch
    ) -> Plan {
        precondition(!workers.isEmpty, "a plan needs a worker")
        let layers = expertCounts.map { count in
            let (least, extra) = count.quotientAndRemainder(dividingBy: workers.count)
            return workers.indices.flatMap { worker in
                repeatElement(ExpertEntry.worker(worker), count: least + (worker < extra ? 1 : 0))
            }
        }
        return Plan(epoch: epoch, workers: workers, layers: layers)
    }
}
