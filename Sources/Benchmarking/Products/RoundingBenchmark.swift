public import Kernels
import Model
public import Tensors

/// How near weights in few bits come to what they were, and how long it takes to find them.
public struct RoundingBenchmark {
    /// What one type and instruction set gave, on one thread.
    public struct Figure: Sendable {
        public let type: ElementType
        public let instructionSet: InstructionSet
        /// Seconds for each weight.
        public let time: Sample
        /// Root of the mean square of the errors, by that of the weights.
        public let error: Double
        /// The same of rounding to the nearest between each part's ends, whose scales would cost
        /// nothing to say.
        public let plainError: Double
    }

    /// Normally distributed, as many as lie in the processor's caches.
    private let weights: [Float]
    private let kernels = Kernels(instructionSet: .detected, threadCount: 1)

    public init(seed: UInt64 = 1) {
        var random = SeededRandom(seed: seed)
        weights = (0..<1 << 18).map { _ in
            // The sum of twelve even ones is nearly normal.
            Float((0..<12).reduce(-6.0) { sum, _ in sum + random.unit() })
        }
    }

    /// Rounds all weights, each error counting the same.
    public func measure(
        _ type: ElementType,
        _ set: InstructionSet,
        repetitions: Int
    ) throws(NotFinite) -> Figure {
        let encoder = WeightEncoder(to: type, instructionSet: set)
        let ones = Array(repeating: Float(1), count: weights.count)
        var times: [Double] = []
        var blocks: [UInt8] = []
        for _ in 0..<max(1, repetitions) {
            let start = ContinuousClock.now
            blocks = try encoder.encode(weights, importance: ones)
            times.append((ContinuousClock.now - start) / .seconds(1) / Double(weights.count))
        }
        let bytes = Bytes(count: blocks.count) { span in
            for (place, byte) in blocks.enumerated() {
                span.storeBytes(of: byte, toByteOffset: place, as: UInt8.self)
            }
        }
        let shape = MatrixShape(type: type, rowCount: 1, columnCount: weights.count)
        var found: [Float] = []
        kernels.dequantize(WeightMatrix(shape, bytes: bytes), row: 0, into: &found)
        return Figure(
            type: type,
            instructionSet: set,
            time: Sample(times),
            error: relativeError(of: found),
            plainError: relativeError(of: plain(type))
        )
    }

    private func relativeError(of rounded: [Float]) -> Double {
        var error = 0.0
        var size = 0.0
        for (a, b) in zip(weights, rounded) {
            error += Double(a - b) * Double(a - b)
            size += Double(a) * Double(a)
        }
        return (error / size).squareRoot()
    }

    /// Each part rounded to evenly spaced numbers from end to end.
    private func plain(_ type: ElementType) -> [Float] {
        // Weights of a part, the highest integer, and whether the lowest one is 0.
        let (length, most, hasMinimum): (Int, Float, Bool) =
            switch type {
            case .q4_K: (32, 15, true)
            case .q2_K: (16, 3, true)
            case .q3_K: (16, 3, false)
            default: (32, 7, false)
            }
        return stride(from: 0, to: weights.count, by: length).flatMap { start in
            let part = weights[start..<start + length]
            let farthest = part.max { abs($0) < abs($1) } ?? 0
            let low = hasMinimum ? min(0, part.min() ?? 0) : 0
            let scale = hasMinimum ? ((part.max() ?? 0) - low) / most : farthest / -(most + 1)
            let least = hasMinimum ? 0 : -(most + 1)
            return part.map { min(max((($0 - low) / scale).rounded(), least), most) * scale + low }
        }
    }
}
