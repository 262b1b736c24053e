/// What a layer's experts cost on a worker: linear in experts, pairs and rows.
///
/// A share takes its worker's round trip, and `perExpert` for every distinct expert in it (its
/// weights are read once), and `perPair` for every row of every expert (arithmetic), both divided
/// by the worker's speed, and the time on its link for every row that travels. With one or a few
/// rows the experts decide, which is decode; with hundreds the pairs do, which is prefill. A layer
/// takes as long as its slowest worker, a step as long as its layers together.
public struct CostModel: Hashable, Sendable {
    public var perExpert = Duration.microseconds(150)
    public var perPair = Duration.microseconds(40)
    /// Bytes of a row on its way to a worker, and of the partial row on its way back.
    public var rowByteCount = 18_688

    /// An expert of hidden size 2048 and width 768 in Q4_0, on one core that reads 17 GB/s.
    public init() {}

    func costs(of worker: WorkerDescription) -> WorkerCosts {
        WorkerCosts(
            fixed: worker.roundTrip / .seconds(1),
            perExpert: perExpert / .seconds(1) / worker.speed,
            perPair: perPair / .seconds(1) / worker.speed,
            perRow: Double(rowByteCount) / worker.bandwidth
        )
    }
}

/// One worker's prices in seconds.
struct WorkerCosts: Hashable {
    /// Of a share with any rows.
    let fixed: Double
    let perExpert: Double
    let perPair: Double
    let perRow: Double

    /// A share's time; `experts` and `pairs` count slices by their part of the width.
    func seconds(_ load: WorkerLoad) -> Double {
        load.rows == 0 ? 0 : fixed + computeSeconds(load) + transferSeconds(load)
    }

    func computeSeconds(_ load: WorkerLoad) -> Double {
        load.experts * perExpert + load.pairs * perPair
    }

    func transferSeconds(_ load: WorkerLoad) -> Double { Double(load.rows) * perRow }
}

/// What one worker has to do for one layer of one step.
struct WorkerLoad: Hashable {
    /// Distinct experts.
    var experts = 0.0
    /// Rows of experts.
    var pairs = 0.0
    /// Rows that travel, each once.
    var rows = 0
}
