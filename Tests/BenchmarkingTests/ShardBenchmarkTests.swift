import Benchmarking
import Kernels
import Tensors
import Testing

@Suite("Whole experts against shards")
struct ShardBenchmarkTests {
    private static let layer = ShardBenchmark.Layer(
        type: .q8_0,
        hiddenSize: 32,
        expertWidth: 128,
        workerCount: 4
    )

    @Test(
        "Consecutive experts are as uneven as MoEShard's skew makes them, slices are even",
        arguments: [(8, 2.12), (16, 2.64), (32, 3.12), (64, 3.42), (128, 3.66), (256, 3.82)]
    )
    func skew(expertCount: Int, expected: Double) throws {
        let rows = SkewedLayer(expertCount: expertCount, rowCount: 3000, seed: 1)
        #expect(rows.rowCounts.reduce(0, +) == 3000)
        #expect(rows.profiledCounts.reduce(0, +) == 3000)
        #expect(rows.rowCounts != rows.profiledCounts, "plans would know what is measured")

        let benchmark = ShardBenchmark(
            Self.layer,
            bandwidth: 1e9,
            instructionSet: .detected,
            repetitions: 1
        )
        let figures = try benchmark.measure(rows)
        #expect(figures.map(\.mode) == ShardMode.allCases.map(\.rawValue) + ["padded"])
        let imbalance = Dictionary(uniqueKeysWithValues: figures.map { ($0.mode, $0.imbalance) })
        let contiguous = try #require(imbalance["contiguous"])
        #expect(abs(contiguous - expected) < 0.1 * expected)
        #expect(imbalance["sharded"] == 1)
        #expect(try #require(imbalance["moetuner"]) <= contiguous * 1.1)
        for figure in figures {
            // Work takes time, all workers' no less than one's, and links come on top.
            #expect(figure.longest.minimum > 0)
            #expect(figure.total.minimum >= figure.longest.minimum)
            #expect(figure.linked.minimum > figure.longest.minimum)
        }
    }
}
