public import Kernels
import Model
public import Tensors

/// Products of rows with matrices of every type: how fast, and whether the bits are the oracle's.
public final class ProductBenchmark {
    /// What one product reached.
    public struct Figure: Sendable {
        public let type: ElementType
        public let instructionSet: InstructionSet
        public let rowCount: Int
        public let seconds: Sample
        /// Bytes per second that could be read just before each.
        public let readRates: Sample
        /// Of weights, each read once.
        public let byteCount: Int
        /// Two for each multiply-add.
        public let operationCount: Int
        /// Whether every output has the bits that the scalar table computes.
        public let isExact: Bool

        /// The share of what the machine could do at that moment; nil for the scalar table.
        public func shares(of limits: MachineLimits) -> Sample? {
            let least = readRates.values.compactMap {
                limits.seconds(
                    byteCount: byteCount,
                    operationCount: operationCount,
                    type,
                    instructionSet,
                    readRate: $0
                )
            }
            return least.isEmpty ? nil : Sample(least).ratios(to: seconds)
        }

        public var bytesPerSecond: Sample { seconds.map { Double(byteCount) / $0 } }
        public var operationsPerSecond: Sample { seconds.map { Double(operationCount) / $0 } }
    }

    public static let rowCounts = [1, 2, 3, 4, 8, 16, 32, 512]
    /// Types that products know.
    public static let types = ElementType.allCases.filter(Kernels.supports)

    private static let columnCount = 2048
    /// More than caches hold, so that weights come from memory as in a model.
    private static let byteCount = 96 << 20
    private static let operationCount = 8_000_000_000
    private static let scalarOperationCount = 100_000_000
    /// Ends within a panel, and within a register of every table.
    private static let comparedOutputCount = 53
    private static let comparedColumnCount = 512

    private let threads: ComputeThreads
    private let repetitions: Int
    /// How many bytes per second can be read now.
    private let readRate: () -> Double
    private var kernels: [InstructionSet: Kernels] = [:]
    private let oracle = Kernels(instructionSet: .scalar, threadCount: 1)

    /// - Parameter readRate: measures the bandwidth; asked before each product, so that both are
    ///   figures of the same moment.
    public init(
        _ threads: ComputeThreads,
        repetitions: Int,
        readRate: @escaping () -> Double
    ) {
        self.threads = threads
        self.repetitions = repetitions
        self.readRate = readRate
    }

    /// Measures one type with every instruction set and number of rows given.
    ///
    /// - Parameter report: told each figure as it comes.
    public func measure(
        _ type: ElementType,
        _ sets: [InstructionSet],
        rowCounts: [Int],
        report: (Figure) -> Void
    ) {
        let rowByteCount = type.rowByteCount(columns: Self.columnCount) ?? 1
        let matrix = RandomWeights.matrix(
            type,
            rowCount: max(64, Self.byteCount / rowByteCount / 16 * 16),
            columnCount: Self.columnCount,
            seed: 1
        )
        let small = RandomWeights.matrix(
            type,
            rowCount: Self.comparedOutputCount,
            columnCount: Self.comparedColumnCount,
            seed: 2
        )
        for set in sets {
            let kernels = kernels(set)
            for rowCount in rowCounts {
                report(figure(matrix, small, rowCount: rowCount, kernels))
            }
        }
    }

    private func kernels(_ set: InstructionSet) -> Kernels {
        if let known = kernels[set] { return known }
        let new = Kernels(instructionSet: set, threads: threads)
        kernels[set] = new
        return new
    }

    private func figure(
        _ matrix: WeightMatrix,
        _ small: WeightMatrix,
        rowCount: Int,
        _ kernels: Kernels
    ) -> Figure {
        let isScalar = kernels.instructionSet == .scalar
        let limit = isScalar ? Self.scalarOperationCount : Self.operationCount
        let outputs = max(32, limit / (2 * rowCount * Self.columnCount) / 16 * 16)
        let weights = matrix.prefix(min(matrix.rowCount, outputs))
        let rows = rows(rowCount, width: Self.columnCount, kernels)
        var y = [Float](repeating: 0, count: rowCount * weights.rowCount)
        // Once for nothing, so that memory is there and threads are awake.
        kernels.multiply(weights, rows, into: &y)
        var readRates: [Double] = []
        let seconds = Sample(repeating: isScalar ? 1 : repetitions) {
            readRates.append(readRate())
            return Sample.seconds { kernels.multiply(weights, rows, into: &y) }
        }
        return Figure(
            type: weights.type,
            instructionSet: kernels.instructionSet,
            rowCount: rowCount,
            seconds: seconds,
            readRates: Sample(readRates),
            byteCount: weights.byteCount,
            operationCount: 2 * rowCount * weights.rowCount * weights.columnCount,
            isExact: isExact(small, rowCount: rowCount, kernels)
        )
    }

    /// Compares with the scalar table, in the order of sums that is promised.
    private func isExact(_ weights: WeightMatrix, rowCount: Int, _ kernels: Kernels) -> Bool {
        let rows = rows(rowCount, width: weights.columnCount, oracle)
        var expected = [Float](repeating: 0, count: rowCount * weights.rowCount)
        var found = [Float](repeating: 1, count: rowCount * weights.rowCount)
        oracle.multiply(weights, rows, into: &expected, order: .fixed)
        kernels.multiply(weights, rows, into: &found, order: .fixed)
        return zip(expected, found).allSatisfy { $0.bitPattern == $1.bitPattern }
    }

    private func rows(_ count: Int, width: Int, _ kernels: Kernels) -> Activations {
        var random = SeededRandom(seed: UInt64(count))
        let values = (0..<count * width).map { _ in Float(2 * random.unit() - 1) }
        var rows = Activations(values: values, width: width)
        kernels.quantize(&rows)
        return rows
    }
}
