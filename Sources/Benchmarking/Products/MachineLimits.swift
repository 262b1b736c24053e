public import Kernels
public import Tensors

/// What the machine can do at most, for judging what was reached.
public struct MachineLimits: Sendable {
    /// Bytes per second.
    public let readRate: Double
    /// Operations per second, by instruction set; none for the scalar one.
    public let int8Rates: [InstructionSet: Double]
    public let floatRates: [InstructionSet: Double]

    public init(
        readRate: Double,
        int8Rates: [InstructionSet: Double],
        floatRates: [InstructionSet: Double]
    ) {
        self.readRate = readRate
        self.int8Rates = int8Rates
        self.floatRates = floatRates
    }

    public static func measure(
        pool: ThreadPool,
        progress: (Double) -> Void = { _ in }
    ) throws(MachineError) -> MachineLimits {
        let bandwidth = try ReadBandwidth().measure(pool: pool, progress: progress)
        var int8Rates: [InstructionSet: Double] = [:]
        var floatRates: [InstructionSet: Double] = [:]
        for set in InstructionSet.supported {
            int8Rates[set] = ComputeRate.measure(.int8, set, pool: pool)?.median
            floatRates[set] = ComputeRate.measure(.float, set, pool: pool)?.median
        }
        return MachineLimits(
            readRate: bandwidth.best.median,
            int8Rates: int8Rates,
            floatRates: floatRates
        )
    }

    /// The least time in which so many bytes can be read and operations done, one beside the other.
    public func seconds(
        byteCount: Int,
        operationCount: Int,
        _ type: ElementType,
        _ set: InstructionSet
    ) -> Double? {
        guard let rate = (type.isFloat ? floatRates : int8Rates)[set] else { return nil }
        return max(Double(byteCount) / readRate, Double(operationCount) / rate)
    }
}
