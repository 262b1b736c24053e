import Glibc
public import Kernels
import Model
public import Tensors

/// One layer of experts on several workers: the time of each worker's part, computed alone.
///
/// What a cluster would take is the longest of them: replayed, not run. Links and what the
/// coordinator does are left out.
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
    }

    /// What the workers took for one batch.
    public struct Figure: Sendable {
        public let mode: ShardMode
        /// `[worker]`, rows of whole experts that its work is worth.
        public let rowCounts: [Double]
        /// CPU time of the busiest worker.
        public let longest: Sample
        /// CPU time of all workers.
        public let total: Sample

        /// How much busier the busiest worker is than the average one, in rows.
        public var imbalance: Double {
            let mean = rowCounts.reduce(0, +) / Double(rowCounts.count)
            return mean > 0 ? rowCounts.reduce(0, max) / mean : 1
        }
    }

    private let layer: Layer
    private let kernels: Kernels
    private let repetitions: Int
    /// By parts of the width: experts that a worker's work goes through in turn.
    private var pools: [Int: [FeedForwardWeights]] = [:]

    /// More than caches hold, so that weights come from memory as in a model.
    private static let poolByteCount = 128 << 20

    /// - Precondition: `instructionSet` is supported, and the width a multiple of 32 per worker.
    public init(_ layer: Layer, instructionSet: InstructionSet, repetitions: Int) {
        self.layer = layer
        self.repetitions = repetitions
        kernels = Kernels(instructionSet: instructionSet, threadCount: 1)
    }

    /// Measures the modes side by side, so that what slows the machine slows all.
    public func measure(_ rows: SkewedLayer, modes: [ShardMode]) -> [Figure] {
        let loads = modes.map { $0.loads(of: rows, workerCount: layer.workerCount) }
        var times: [[(longest: Double, total: Double)]] = modes.map { _ in [] }
        // One more, which fills caches and buffers and does not count.
        for repetition in 0...repetitions {
            for mode in modes.indices {
                let workers = loads[mode].map { seconds(of: $0) }
                guard repetition > 0 else { continue }
                times[mode].append((workers.reduce(0, max), workers.reduce(0, +)))
            }
        }
        return modes.indices.map { mode in
            Figure(
                mode: modes[mode],
                rowCounts: loads[mode].map {
                    Double($0.rowCounts.reduce(0, +)) / Double($0.parts)
                },
                longest: Sample(times[mode].map(\.longest)),
                total: Sample(times[mode].map(\.total))
            )
        }
    }

    /// CPU time of one worker's work.
    private func seconds(of load: ShardMode.Load) -> Double {
        let rowCount = load.rowCounts.reduce(0, +)
        guard rowCount > 0 else { return 0 }
        let experts = pool(parts: load.parts)
        var visits = ExpertVisits()
        var row: Int32 = 0
        for (place, count) in load.rowCounts.enumerated() where count > 0 {
            for _ in 0..<count {
                visits.add(row: row, weight: 1)
                row += 1
            }
            let expert = experts[place % experts.count]
            visits.addExpert(gate: expert.gate, up: expert.up, down: expert.down)
        }
        var x = Activations(values: values(rowCount), width: layer.hiddenSize)
        var sums = [Double](repeating: 0, count: rowCount * layer.hiddenSize)
        if !layer.type.isFloat { kernels.quantize(&x) }
        let start = Self.threadTime()
        kernels.feedForward(visits, activations: x, into: &sums)
        return Self.threadTime() - start
    }

    private func values(_ rowCount: Int) -> [Float] {
        (0..<rowCount * layer.hiddenSize).map { Float($0 % 251) / 1255 - 0.1 }
    }

    /// Experts of random weights; a shard is a narrower one.
    private func pool(parts: Int) -> [FeedForwardWeights] {
        if let pool = pools[parts] { return pool }
        let width = layer.expertWidth / parts
        var pool: [FeedForwardWeights] = []
        var byteCount = 0
        while byteCount < Self.poolByteCount {
            let seed = UInt64(3 * pool.count + 1)
            let expert = FeedForwardWeights(
                gate: weights(width, layer.hiddenSize, seed),
                up: weights(width, layer.hiddenSize, seed + 1),
                down: weights(layer.hiddenSize, width, seed + 2)
            )
            pool.append(expert)
            byteCount += expert.byteCount
        }
        pools[parts] = pool
        return pool
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
