import Foundation
import Kernels
import Testing

/// Random queries, keys and values of one sequence.
private struct Sequence {
    let shape: AttentionShape
    let length: Int
    let queries: [Float]
    let keys: [Float]
    let values: [Float]

    init(_ shape: AttentionShape, length: Int, seed: UInt64) {
        var random = Random(seed: seed)
        self.shape = shape
        self.length = length
        queries = random.floats(length * shape.heads * shape.keyHeadWidth)
        keys = random.floats(length * shape.keyValueHeads * shape.keyHeadWidth)
        values = random.floats(length * shape.keyValueHeads * shape.valueHeadWidth)
    }

    func cache() -> KeyValueCache {
        KeyValueCache(
            keyWidth: shape.keyValueHeads * shape.keyHeadWidth,
            valueWidth: shape.keyValueHeads * shape.valueHeadWidth,
            capacity: length
        )
    }

    /// Outputs when the sequence comes in chunks of `chunk` positions.
    func outputs(_ kernels: Kernels, chunk: Int) -> [Float] {
        let cache = cache()
        var result: [Float] = []
        for start in stride(from: 0, to: length, by: chunk) {
            let positions = start..<min(start + chunk, length)
            result += attend(kernels, positions, cache)
        }
        return result
    }

    func attend(_ kernels: Kernels, _ positions: Range<Int>, _ cache: KeyValueCache) -> [Float] {
        let batch = positions.map { AttentionRow(cache: cache, position: $0) }
        kernels.store(
            keys: rows(keys, positions, width: cache.keyWidth),
            values: rows(values, positions, width: cache.valueWidth),
            at: batch
        )
        let width = shape.heads * shape.valueHeadWidth
        var y = [Float](repeating: .nan, count: positions.count * width)
        kernels.attend(
            shape,
            queries: rows(queries, positions, width: shape.heads * shape.keyHeadWidth),
            rows: batch,
            into: &y
        )
        return y
    }

    /// Attention of one head of one row in double precision, keys and values as halves.
    func reference(position: Int, head: Int) -> [Double] {
        let group = head / (shape.heads / shape.keyValueHeads)
        let (k, v) = (shape.keyHeadWidth, shape.valueHeadWidth)
        let query = queries[
            (position * shape.heads + head) * k..<(position * shape.heads + head + 1) * k
        ]
        let scores = (0...position).map { other -> Double in
            let start = (other * shape.keyValueHeads + group) * k
            let dot = zip(query, keys[start..<start + k]).reduce(0.0) {
                $0 + Double($1.0) * Double(Float16($1.1))
            }
            return dot * Double(shape.scale)
        }
        let largest = scores.max() ?? 0
        let powers = scores.map { exp($0 - largest) }
        let sum = powers.reduce(0, +)
        return (0..<v).map { index in
            (0...position).reduce(0.0) { total, other in
                let start = (other * shape.keyValueHeads + group) * v
                return total + powers[other] / sum * Double(Float16(values[start + index]))
            }
        }
    }
}

@Suite("Attention")
struct AttentionTests {
    private static let shapes = [
        AttentionShape(
            heads: 4,
            keyValueHeads: 2,
            keyHeadWidth: 16,
            valueHeadWidth: 16,
            scale: 0.25
        ),
        AttentionShape(
            heads: 3,
            keyValueHeads: 1,
            keyHeadWidth: 40,
            valueHeadWidth: 24,
            scale: 0.3
        ),
        AttentionShape(heads: 2, keyValueHeads: 2, keyHeadWidth: 7, valueHeadWidth: 70, scale: 0.5),
    ]

    @Test(
        "Every table gives the scalar table's bits, near a reference in double",
        arguments: shapes
    )
    func tablesAgree(shape: AttentionShape) {
        let sequence = Sequence(shape, length: 530, seed: 41)
        let expected = sequence.outputs(kernels(.scalar), chunk: 530)
        for set in fasterSets {
            #expect(same(sequence.outputs(kernels(set), chunk: 530), expected))
        }
        let width = shape.valueHeadWidth
        for position in [0, 1, 15, 255, 256, 511, 512, 529] {
            for head in 0..<shape.heads {
                let start = (position * shape.heads + head) * width
                let reference = sequence.reference(position: position, head: head)
                let close = zip(expected[start..<start + width], reference).allSatisfy {
                    abs(Double($0) - $1) < 1e-5
                }
                #expect(close, "position \(position), head \(head)")
            }
        }
    }

    @Test("Chunks of any size and any number of threads give the same bits")
    func chunksAgree() {
        let sequence = Sequence(Self.shapes[0], length: 300, seed: 42)
        let whole = sequence.outputs(kernels(.detected), chunk: 300)
        for chunk in [1, 7, 255, 256, 257] {
            #expect(sequence.outputs(kernels(.detected, threads: 3), chunk: chunk) == whole)
        }
    }

    @Test("Rows of several sequences in one batch do not see each other")
    func sequencesAreApart() {
        let kernels = kernels(.detected, threads: 2)
        let sequences = (0..<3).map {
            Sequence(Self.shapes[1], length: 20 + $0, seed: 43 + UInt64($0))
        }
        let caches = sequences.map { sequence in
            let cache = sequence.cache()
            _ = sequence.attend(kernels, 0..<sequence.length - 1, cache)
            return cache
        }
        let last = sequences.map { ($0.length - 1)..<$0.length }
        let batch = zip(caches, last).map { AttentionRow(cache: $0, position: $1.lowerBound) }
        kernels.store(
            keys: zip(sequences, last).flatMap { rows($0.keys, $1, width: 40) },
            values: zip(sequences, last).flatMap { rows($0.values, $1, width: 24) },
            at: batch
        )
        var together = [Float](repeating: .nan, count: 3 * 72)
        kernels.attend(
            Self.shapes[1],
            queries: zip(sequences, last).flatMap { rows($0.queries, $1, width: 120) },
            rows: batch,
            into: &together
        )
        let alone = sequences.flatMap { sequence in
            sequence.outputs(kernels, chunk: sequence.length).suffix(72)
        }
        #expect(together == alone)
    }

    @Test("A truncated cache takes other positions in place of the forgotten ones")
    func truncation() {
        let kernels = kernels(.detected)
        let (first, second) = (
            Sequence(Self.shapes[0], length: 90, seed: 44),
            Sequence(Self.shapes[0], length: 90, seed: 45)
        )
        let cache = first.cache()
        _ = first.attend(kernels, 0..<90, cache)
        cache.truncate(to: 0)
        #expect(cache.positionCount == 0)
        #expect(second.attend(kernels, 0..<90, cache) == second.outputs(kernels, chunk: 90))
    }

    @Test("A position beyond the next one is refused")
    func gaps() async {
        await #expect(processExitsWith: .failure) {
            let cache = KeyValueCache(keyWidth: 2, valueWidth: 2, capacity: 10)
            Kernels(instructionSet: .scalar, threadCount: 1).store(
                keys: [1, 2],
                values: [1, 2],
                at: [AttentionRow(cache: cache, position: 1)]
            )
        }
    }
}
