import Benchmarking
import ClusterTesting
import Kernels
import Model
import Tensors
import Testing

/// That everything measures something; how much is not asserted, because it is the machine's.
@Suite("Measuring")
struct MeasuringTests {
    @Test("The best way to read is never worse than plain loads")
    func bandwidth() throws {
        let pool = ThreadPool(ComputeThreads(count: 2))
        let result = try ReadBandwidth(byteCount: 32 << 20).measure(pool: pool, repetitions: 3)
        #expect(result.threadCount == 2)
        #expect(result.best.median >= result.plain.median)
        #expect(result.plain.minimum > 0)
    }

    @Test("Ways to read begin with plain loads and are all different")
    func readMethods() {
        let all = ReadMethod.candidates
        #expect(all.first == .plain)
        #expect(Set(all.map(\.description)).count == all.count)
    }

    @Test("More memory than there is is refused")
    func noMemory() {
        #expect(throws: MachineError.self) { try ReadBandwidth(byteCount: 1 << 50) }
    }

    @Test("Rates of multiplying are there for every table with registers")
    func computeRates() {
        let pool = ThreadPool(ComputeThreads(count: 1))
        for set in InstructionSet.supported {
            let rate = ComputeRate.measure(.int8, set, pool: pool, repetitions: 1)
            #expect((rate == nil) == (set == .scalar))
        }
    }

    @Test("A limit is the longer of reading and multiplying")
    func limits() {
        let limits = MachineLimits(
            readRate: 100,
            readMethod: .plain,
            int8Rates: [.avx2: 1000],
            floatRates: [.avx2: 10]
        )
        func seconds(_ type: ElementType, _ operations: Int) -> Double? {
            limits.seconds(byteCount: 200, operationCount: operations, type, .avx2)
        }
        #expect(seconds(.q8_0, 500) == 2)
        #expect(seconds(.q8_0, 5000) == 5)
        #expect(seconds(.f32, 500) == 50)
        let now = limits.seconds(
            byteCount: 200,
            operationCount: 500,
            .q8_0,
            .avx2,
            readRate: 40
        )
        #expect(now == 5)
        #expect(limits.seconds(byteCount: 1, operationCount: 1, .q8_0, .scalar) == nil)
    }

    @Test("Products are measured and compared with the oracle", arguments: [1, 3])
    func products(rowCount: Int) {
        let benchmark = ProductBenchmark(ComputeThreads(count: 1), repetitions: 2) { 1e12 }
        let sets = InstructionSet.supported
        var figures: [ProductBenchmark.Figure] = []
        benchmark.measure(.q4_K, sets, rowCounts: [rowCount]) { figures.append($0) }
        #expect(figures.map(\.instructionSet) == sets)
        for figure in figures {
            #expect(figure.isExact, "\(figure.instructionSet)")
            #expect(figure.readRates.values.count == figure.seconds.values.count)
            #expect(figure.operationCount == 2 * rowCount * figure.byteCount / 144 * 256)
        }
    }

    @Test("A model is measured alone, in a batch and deep in its context")
    func model() throws {
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        let loaded = try LoadedModel(made(tinyRecipe()), kernels: kernels)
        for (depth, sequences) in [(0, 1), (40, 1), (0, 3)] {
            var options = ModelBenchmark.Options()
            options.promptTokenCount = 20
            options.generatedTokenCount = 3
            options.depth = depth
            options.sequenceCount = sequences
            let benchmark = ModelBenchmark(loaded, options: options)
            try benchmark.warmUp()
            #expect(try benchmark.prefillRate() > 0)
            #expect(try benchmark.decodeRate() > 0)
        }
    }
}
