import Foundation
import Kernels

/// Random queries, keys and values of one sequence.
struct AttentionSequence {
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

    /// The same, but for the values from a position on.
    init(_ other: AttentionSequence, valuesFrom position: Int, are value: Float) {
        shape = other.shape
        length = other.length
        queries = other.queries
        keys = other.keys
        let start = position * shape.keyValueHeads * shape.valueHeadWidth
        values = other.values.enumerated().map { $0 < start ? $1 : value }
    }

    /// A pool of its own for the whole sequence, in the second of two layers.
    func cache(_ format: CacheFormat = .f16) throws(CacheError) -> KeyValueCache {
        let layout = CacheLayout(heads: shape, layerCount: 2, format: format)
        let pages = CacheLayout.pageCount(positions: length)
        return try KeyValueCache(
            pool: PagePool(layout: layout, pageLimit: pages),
            capacity: length
        )
    }

    /// Outputs when the sequence comes in chunks of `chunk` positions.
    func outputs(
        _ kernels: Kernels,
        chunk: Int,
        format: CacheFormat = .f16
    ) throws(CacheError) -> [Float] {
        let cache = try cache(format)
        var result: [Float] = []
        for start in stride(from: 0, to: length, by: chunk) {
            let positions = start..<min(start + chunk, length)
            result += try attend(kernels, [(self, positions, cache)])
        }
        return result
    }

    func queries(_ positions: Range<Int>) -> [Float] {
        rows(queries, positions, width: shape.heads * shape.keyHeadWidth)
    }

    func keys(_ positions: Range<Int>) -> [Float] {
        rows(keys, positions, width: shape.keyValueHeads * shape.keyHeadWidth)
    }

    func values(_ positions: Range<Int>) -> [Float] {
        rows(values, positions, width: shape.keyValueHeads * shape.valueHeadWidth)
    }

    /// Attention of one head of one row in double precision, keys and values as `rounded`.
    func reference(
        position: Int,
        head: Int,
        rounded: (Float) -> Double = { Double(Float16($0)) }
    ) -> [Double] {
        let group = head / (shape.heads / shape.keyValueHeads)
        let (k, v) = (shape.keyHeadWidth, shape.valueHeadWidth)
        let query = queries[
            (position * shape.heads + head) * k..<(position * shape.heads + head + 1) * k
        ]
        let scores = (0...position).map { other -> Double in
            let start = (other * shape.keyValueHeads + group) * k
            let dot = zip(query, keys[start..<start + k]).reduce(0.0) {
                $0 + Double($1.0) * rounded($1.1)
            }
            return dot * Double(shape.scale)
        }
        let largest = scores.max() ?? 0
        let powers = scores.map { exp($0 - largest) }
        let sum = powers.reduce(0, +)
        return (0..<v).map { index in
            (0...position).reduce(0.0) { total, other in
                let start = (other * shape.keyValueHeads + group) * v
                return total + powers[other] / sum * rounded(values[start + index])
            }
        }
    }
}

/// Stores positions of several sequences as one batch, and attends from all of them.
func attend(
    _ kernels: Kernels,
    _ parts: [(sequence: AttentionSequence, positions: Range<Int>, cache: KeyValueCache)]
) throws(CacheError) -> [Float] {
    guard let shape = parts.first?.sequence.shape else { return [] }
    var work = AttentionWork(shape)
    for part in parts {
        try part.cache.makeRoom(for: part.positions.upperBound)
        for position in part.positions { work.append(part.cache, position: position) }
    }
    work.divide(among: kernels.threadCount)
    kernels.store(
        keys: parts.flatMap { $0.sequence.keys($0.positions) },
        values: parts.flatMap { $0.sequence.values($0.positions) },
        layer: 1,
        for: work
    )
    let rowCount = parts.reduce(0) { $0 + $1.positions.count }
    var y = [Float](repeating: .nan, count: rowCount * shape.heads * shape.valueHeadWidth)
    kernels.attend(
        layer: 1,
        queries: parts.flatMap { $0.sequence.queries($0.positions) },
        work: work,
        into: &y
    )
    return y
}
