/// What a plan would have done to the steps of a trace.
public struct Replay: Hashable, Sendable {
    /// Seconds that the experts of each step take, all layers together; `[step]`.
    public let stepSeconds: [Double]
    /// Busiest worker's time over the mean of all, of each step's each layer, ascending.
    public let imbalances: [Double]
    /// Mean over the steps of the busiest worker's time, by what it is spent on; `[layer]`.
    public let layers: [LayerTimes]

    /// Seconds of one layer, mean over the steps.
    public struct LayerTimes: Hashable, Sendable {
        /// Of the worker that computes longest, and of workers in the mean.
        public var computeTail = 0.0
        public var computeMean = 0.0
        /// Of the worker whose rows travel longest, and of workers in the mean.
        public var transferTail = 0.0
        public var transferMean = 0.0
        /// Of the worker that takes longest for both.
        public var total = 0.0
    }

    /// Mean over the steps.
    public var meanStepSeconds: Double {
        stepSeconds.isEmpty ? 0 : stepSeconds.reduce(0, +) / Double(stepSeconds.count)
    }

    /// The imbalance that a share of steps and layers stays at or below; 1 without any.
    public func imbalance(at share: Double) -> Double {
        guard !imbalances.isEmpty else { return 1 }
        let index = Int((share * Double(imbalances.count)).rounded(.up)) - 1
        return imbalances[min(max(0, index), imbalances.count - 1)]
    }
}

extension Replay {
    /// - Precondition: the plan was validated for the trace's model, and names the workers in
    ///   this order.
    public init(
        _ plan: Plan,
        over trace: RoutingTrace,
        workers: [WorkerDescription],
        costs: CostModel
    ) {
        precondition(plan.workers == workers.map(\.name), "a plan of other workers")
        precondition(plan.layers.map(\.count) == trace.expertCounts, "a plan of another model")
        let prices = workers.map(costs.costs)
        var stepSeconds = Array(repeating: 0.0, count: trace.stepCount)
        var imbalances: [Double] = []
        var layers: [LayerTimes] = []
        for layer in trace.expertCounts.indices {
            var times = LayerTimes()
            if trace.expertCounts[layer] > 0 {
                var loads = LayerLoads(
                    plan.layers[layer],
                    topK: trace.topK,
                    workerCount: workers.count
                )
                for step in 0..<trace.stepCount where trace.rowCounts[step] > 0 {
                    loads.measure(trace.experts(step: step, layer: layer))
                    stepSeconds[step] += times.add(loads.loads, prices, &imbalances)
                }
                times.divide(by: Double(max(1, trace.stepCount)))
            }
            layers.append(times)
        }
        imbalances.sort()
        self.init(stepSeconds: stepSeconds, imbalances: imbalances, layers: layers)
    }
}

extension Replay.LayerTimes {
    /// - Returns: the step's seconds in this layer.
    fileprivate mutating func add(
        _ loads: [WorkerLoad],
        _ costs: [WorkerCosts],
        _ imbalances: inout [Double]
    ) -> Double {
        var longest = 0.0
        var sum = 0.0
        var computeLongest = 0.0
        var computeSum = 0.0
        var transferLongest = 0.0
        for (load, cost) in zip(loads, costs) {
            let seconds = cost.seconds(load)
            let compute = cost.computeSeconds(load)
            let transfer = cost.transferSeconds(load)
            longest = max(longest, seconds)
            sum += seconds
            computeLongest = max(computeLongest, compute)
            computeSum += compute
            transferLongest = max(transferLongest, transfer)
            transferMean += transfer / Double(loads.count)
        }
        if sum > 0 { imbalances.append(longest * Double(loads.count) / sum) }
        computeTail += computeLongest
        computeMean += computeSum / Double(loads.count)
        transferTail += transferLongest
        total += longest
        return longest
    }

    fileprivate mutating func divide(by steps: Double) {
        computeTail /= steps
        computeMean /= steps
        transferTail /= steps
        transferMean /= steps
        total /= steps
    }
}
