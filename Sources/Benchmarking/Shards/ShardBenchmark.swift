import Glibc
public import Kernels
import Model
public import Placement
public import Tensors

/// One layer of experts on several workers: the time of each worker's part, computed alone.
///
/// What a cluster would take is the longest of them, with its rows' way over its link: replayed,
/// not run. What the coordinator does is left out.
public final class ShardBenchmark {
    /// What the layer is like.
    public struct Layer: Sendable {
        public var type: ElementType
        public var hiddenSize: Int
        public var expertWidth: Int
        public var workerCount: Int

        public init(type: ElementType, hiddenSize: Int, expertWidth: Int, workerCount: Int) {
            self.type = type
            self.hiddenSize = hiddenSize
            self.expertWidth = expertWidth
            self.workerCount = workerCount
        }

        /// Bytes of a row to a worker, values or quants with scales, and of its f64 sums back.
        var rowByteCount: Int {
            let there = type.isFloat ? 4 * hiddenSize : hiddenSize + hiddenSize / 8
            return there + 8 * hiddenSize
        }
    }

    /// What the workers took for one batch.
    public struct Figure: Sendable {
        /// A `ShardMode`, or `padded`.
        public let mode: String
        /// How much busier the busiest worker is than the average one, in rows of whole experts.
        public let imbalance: Double
        /// CPU seconds of the busiest worker.
        public let longest: Sample
        /// CPU seconds of all workers.
        public let total: Sample
        /// Seconds of the worker that is busy longest, with its rows' way over its link.
        public let linked: Sample
    }

    /// CPU seconds of each worker in one repetition, and what its rows take on its link.
    private struct Run {
        var compute: [Double]
        var links: [Double]

        var longest: Double { compute.reduce(0, max) }
        var total: Double { compute.reduce(0, +) }
        var linked: Double { zip(compute, links).reduce(0) { max($0, $1.0 + $1.1) } }
    }

    private let layer: Layer
    private let kernels: Kernels
    private let repetitions: Int
    private let workers: [WorkerDescription]
    /// By width: experts that a worker's work goes through in turn.
    private var pools: [Int: [FeedForwardWeights]] = [:]
    /// What experts and rows cost here, as measured at the start.
    public private(set) var costs = CostModel()

    /// More than caches hold, so that weights come from memory as in a model.
    private static let poolByteCount = 128 << 20

    /// - Parameter bandwidth: bytes per second of each worker's link.
    /// - Precondition: `instructionSet` is supported, and the width a multiple of 32 per worker.
    public init(
        _ layer: Layer,
        bandwidth: Double,
        instructionSet: InstructionSet,
        repetitions: Int
    ) {
        self.layer = layer
        self.repetitions = repetitions
        kernels = Kernels(instructionSet: instructionSet, threadCount: 1)
        workers = WorkerDescription.equal(layer.workerCount).map { worker in
            var worker = worker
            worker.bandwidth = bandwidth
            return worker
        }
        calibrate()
    }

    /// Measures the modes side by side, so that what slows the machine slows all.
    ///
    /// - Throws: where no plan is possible.
    public func measure(_ rows: SkewedLayer) throws(PlacementError) -> [Figure] {
        var loads: [[ShardLoad]] = []
        for mode in ShardMode.allCases {
            let plan = try mode.plan(
                of: rows,
                workers: workers,
                costs: costs,
                expertWidth: layer.expertWidth
            )
            loads.append(
                ShardLoad.loads(
                    of: plan,
                    rowCounts: rows.rowCounts,
                    expertWidth: layer.expertWidth
                )
            )
        }
        var runs: [[Run]] = loads.map { _ in [] }
        var padded: [Run] = []
        // One more, which fills caches and buffers and does not count.
        for repetition in 0...repetitions {
            let measured = loads.map(run)
            let paddedRun = runPadded(rows)
            guard repetition > 0 else { continue }
            for mode in loads.indices { runs[mode].append(measured[mode]) }
            padded.append(paddedRun)
        }
        let figures = zip(ShardMode.allCases, loads.indices).map { mode, index in
            Self.figure(mode.rawValue, runs[index], imbalance: imbalance(loads[index]))
        }
        return figures + [Self.figure("padded", padded, imbalance: 1)]
    }

    private func imbalance(_ loads: [ShardLoad]) -> Double {
        let rows = loads.map { $0.wholeRows(expertWidth: layer.expertWidth) }
        let mean = rows.reduce(0, +) / Double(rows.count)
        return mean > 0 ? rows.reduce(0, max) / mean : 1
    }

    private static func figure(_ mode: String, _ runs: [Run], imbalance: Double) -> Figure {
        Figure(
            mode: mode,
            imbalance: imbalance,
            longest: Sample(runs.map(\.longest)),
            total: Sample(runs.map(\.total)),
            linked: Sample(runs.map(\.linked))
        )
    }

    private func run(_ loads: [ShardLoad]) -> Run {
        Run(compute: loads.map(seconds), links: loads.map { linkSeconds(rowCount: $0.rowCount) })
    }

    /// Every expert computes its full capacity: one is measured, and stands for all.
    private func runPadded(_ rows: SkewedLayer) -> Run {
        let part = ShardLoad.Part(rowCount: rows.capacity, width: layer.expertWidth)
        let expertsPerWorker = Double(rows.rowCounts.count) / Double(layer.workerCount)
        let compute = expertsPerWorker * seconds(of: ShardLoad(parts: [part]))
        let link = expertsPerWorker * linkSeconds(rowCount: rows.capacity)
        return Run(
            compute: workers.map { _ in compute },
            links: workers.map { _ in link }
        )
    }

    private func linkSeconds(rowCount: Int) -> Double {
        Double(rowCount * layer.rowByteCount) / workers[0].bandwidth
    }

    /// Finds what an expert and what each of its rows costs: two points make a line.
    private func calibrate() {
        let experts = 16
        let many = 65
        func median(_ rowCount: Int) -> Double {
            let part = ShardLoad.Part(rowCount: rowCount, width: layer.expertWidth)
            let load = ShardLoad(parts: Array(repeating: part, count: experts))
            _ = seconds(of: load)
            return Sample(repeating: 5) { seconds(of: load) }.median / Double(experts)
        }
        let one = median(1)
        let perPair = max(0, median(many) - one) / Double(many - 1)
        costs.perExpert = .seconds(max(0, one - perPair))
        costs.perPair = .seconds(perPair)
        costs.rowByteCount = layer.rowByteCount
    }

    /// CPU time of one worker's work.
    private func seconds(of load: ShardLoad) -> Double {
        guard load.rowCount > 0 else { return 0 }
        var visits = ExpertVisits()
        var row: Int32 = 0
        for (place, part) in load.parts.enumerated() {
            for _ in 0..<part.rowCount {
                visits.add(row: row, weight: 1)
                row += 1
            }
            let expert = expert(place, width: part.width)
            visits.addExpert(gate: expert.gate, up: expert.up, down: expert.down)
        }
        var x = Activations(values: values(load.rowCount), width: layer.hiddenSize)
        var sums = [Double](repeating: 0, count: load.rowCount * layer.hiddenSize)
        if !layer.type.isFloat { kernels.quantize(&x) }
        let start = Self.threadTime()
        kernels.feedForward(visits, activations: x, into: &sums)
        return Self.threadTime() - start
    }

    private func values(_ rowCount: Int) -> [Float] {
        (0..<rowCount * layer.hiddenSize).map { Float($0 % 251) / 1255 - 0.1 }
    }

    /// One of the experts of a width, made when it is first needed; a slice is a narrower expert.
    ///
    /// Places are asked for from 0 on, so the pool grows by one at a time.
    private func expert(_ place: Int, width: Int) -> FeedForwardWeights {
        let pool = pools[width, default: []]
        let size = pool.first.map { max(1, Self.poolByteCount / $0.byteCount) }
        if let size, place % size < pool.count { return pool[place % size] }
        let seed = UInt64(3 * pool.count + 1)
        let expert = FeedForwardWeights(
            gate: weights(width, layer.hiddenSize, seed),
            up: weights(width, layer.hiddenSize, seed + 1),
            down: weights(layer.hiddenSize, width, seed + 2)
        )
        pools[width, default: []].append(expert)
        return expert
    }

    private func weights(_ rowCount: Int, _ columnCount: Int, _ seed: UInt64) -> WeightMatrix {
        RandomWeights.matrix(layer.type, rowCount: rowCount, columnCount: columnCount, seed: seed)
    }

    /// Seconds that this thread has computed.
    private static func threadTime() -> Double {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0 else { return 0 }
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
