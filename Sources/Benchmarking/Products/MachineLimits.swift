public import Kernels
public import Tensors

/// What the machine can do at most, for judging what was reached.
public struct MachineLimits: Sendable {
    /// Bytes per second, in the way that is fastest here.
    public let readRate: Double
    public let readMethod: ReadMethod
    /// Operations per second, by instruction set; none for the scalar one.
    public let int8Rates: [InstructionSet: Double]
    public let floatRates: [InstructionSet: Double]

    public init(
        readRate: Double,
        readMethod: ReadMethod,
        int8Rates: [InstructionSet: Double],
        floatRates: [InstructionSet: Double]
    ) {
        self.readRate = readRate
        self.readMethod = readMethod
        self.int8Rates = int8Rates
        self.floatRates = floatRates
    }

    public static func measure(
        _ bandwidth: ReadBandwidth,
        pool: ThreadPool,
        progress: (Double) -> Void = { _ in }
    ) -> MachineLimits {
        let reading = bandwidth.measure(pool: pool, progress: progress)
        var int8Rates: [InstructionSet: Double] = [:]
        var floatRates: [InstructionSet: Double] = [:]
        for set in InstructionSet.supported {
            int8Rates[set] = ComputeRate.measure(.int8, set, pool: pool)?.median
            floatRates[set] = ComputeRate.measure(.float, set, pool: pool)?.median
        }
        return MachineLimits(
            readRate: reading.best.median,
            readMethod: reading.method,
            int8Rates: int8Rates,
            floatRates: floatRates
        )
    }

    /// The least time in which so many bytes can be read and operations done, one beside the other.
    ///
    /// - Parameter readRate: what the bandwidth is just now; nil for what it was.
    public func seconds(
        byteCount: Int,
        operationCount: Int,
        _ type: ElementType,
        _ set: InstructionSet,
        readRate: Double? = nil
    ) -> Double? {
        guard let rate = (type.isFloat ? floatRates : int8Rates)[set] else { return nil }
        let reading = Double(byteCount) / (readRate ?? self.readRate)
        return max(reading, Double(operationCount) / rate)
    }
}
