import Kernels
import Tensors
import Testing

/// An expert as the file has it, of which shards can be made.
private struct Source {
    let gate: WeightMatrix
    let up: WeightMatrix
    let down: WeightMatrix

    init(_ type: ElementType, down: ElementType, hidden: Int, width: Int, _ random: inout Random) {
        gate = randomRows(type, rows: width, columns: hidden, using: &random)
        up = randomRows(type, rows: width, columns: hidden, using: &random)
        self.down = randomRows(down, rows: hidden, columns: width, using: &random)
    }

    var width: Int { gate.rowCount }
    var hidden: Int { gate.columnCount }

    func add(_ dimensions: Range<Int>, to visits: inout ExpertVisits) {
        visits.addExpert(
            gate: gate.slice(rows: dimensions, columns: 0..<hidden),
            up: up.slice(rows: dimensions, columns: 0..<hidden),
            down: down.slice(rows: 0..<hidden, columns: dimensions)
        )
    }
}

/// What a worker, or several, compute of one expert for all rows with a weight of 1.
private func sums(
    _ kernels: Kernels,
    _ source: Source,
    _ shards: [Range<Int>],
    _ x: Activations
) -> [Double] {
    var sums = [Double](repeating: 0, count: x.rowCount * source.hidden)
    var visits = ExpertVisits()
    for shard in shards {
        for row in 0..<x.rowCount { visits.add(row: Int32(row), weight: 1) }
        source.add(shard, to: &visits)
    }
    kernels.feedForward(visits, activations: x, into: &sums)
    return sums
}

@Suite("Shards of experts")
struct ShardSumTests {
    private static let width = 768
    private static let hidden = 256

    private func rows(_ random: inout Random) -> Activations {
        var x = Activations(values: random.floats(6 * Self.hidden, limit: 0.1), width: Self.hidden)
        kernels(.scalar).quantize(&x)
        return x
    }

    @Test("Shards sum to the whole within the declared bound", arguments: integerTypes + floatTypes)
    func bound(type: ElementType) {
        var random = Random(seed: 95)
        let source = Source(
            type,
            down: type,
            hidden: Self.hidden,
            width: Self.width,
            &random
        )
        let x = rows(&random)
        let kernels = kernels(.detected)
        let whole = sums(kernels, source, [0..<Self.width], x)
        let sizes = magnitudes(kernels, source, x)
        // Blocks of 32, of types with minimums twice; or single weights.
        let terms = type.isFloat ? Self.width : 2 * Self.width / 32
        for borders in [[384], [96, 352, 736], [32, 64, 512]] {
            let ends = [0] + borders + [Self.width]
            let shards = zip(ends, ends.dropFirst()).map { $0..<$1 }
            let parts = sums(kernels, source, shards, x)
            let slack = Double(shards.count) * 0x1p-36
            let isNear = whole.indices.allSatisfy { index in
                let limit = Double(terms) * sizes[index] * 0x1p-23 + slack
                return abs(parts[index] - whole[index]) <= limit
            }
            #expect(isNear, "borders at \(borders)")
            #expect(parts.allSatisfy { ($0 * 0x1p36).rounded() == $0 * 0x1p36 })
            let apart = shards.reversed().map { sums(kernels, source, [$0], x) }
            let added = whole.indices.map { index in apart.reduce(0) { $0 + $1[index] } }
            #expect(added == parts, "the same, one worker after the other")
        }
    }

    /// At least the sum of the magnitudes of an output's terms.
    private func magnitudes(_ kernels: Kernels, _ source: Source, _ x: Activations) -> [Double] {
        var gate = [Float](repeating: 0, count: x.rowCount * source.width)
        var up = gate
        kernels.multiply(source.gate.inPanels(), x, into: &gate, order: .fixed)
        kernels.multiply(source.up.inPanels(), x, into: &up, order: .fixed)
        var inner = Activations(rowCount: x.rowCount, width: source.width)
        kernels.siluMultiply(gate: gate, up: up, into: &inner.values)
        var weights: [Float] = []
        kernels.dequantize(source.down, rows: Array(0..<source.hidden), into: &weights)
        // A weight is the difference of two terms where a type has minimums.
        let largest = 2 * weights.reduce(0) { max($0, Double(abs($1))) }
        return (0..<x.rowCount).flatMap { row in
            let start = row * source.width
            let size = inner.values[start..<start + source.width]
                .reduce(0) { $0 + Double(abs($1)) * 1.01 }
            return repeatElement(size * largest, count: source.hidden)
        }
    }

    @Test(
        "Every table and any number of threads give a shard the same bits",
        arguments: [ElementType.q4_K, .q6_K, .iq4_xs, .q5_0, .f32]
    )
    func tablesAgree(type: ElementType) {
        var random = Random(seed: 96)
        let source = Source(
            type == .q6_K ? .q4_K : type,
            down: type,
            hidden: Self.hidden,
            width: Self.width,
            &random
        )
        let x = rows(&random)
        let shards = [96..<352, 352..<480]
        let expected = sums(kernels(.scalar), source, shards, x)
        for set in InstructionSet.supported {
            for threads in [1, 2, 3] {
                #expect(sums(kernels(set, threads: threads), source, shards, x) == expected)
            }
        }
    }
}
