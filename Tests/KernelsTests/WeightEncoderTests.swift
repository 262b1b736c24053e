import Foundation
import Kernels
import Tensors
import Testing

/// What blocks mean, by the scalar table.
private func decode(_ bytes: [UInt8], _ type: ElementType, count: Int) -> [Float] {
    var values: [Float] = []
    let shape = MatrixShape(type: type, rowCount: 1, columnCount: count)
    kernels(.scalar).dequantize(WeightMatrix(shape, bytes: Bytes(bytes)), row: 0, into: &values)
    return values
}

/// Weights as trained ones are spread: the sum of twelve even ones is nearly normal.
private func normal(_ count: Int, scale: Float = 0.02, using random: inout Random) -> [Float] {
    (0..<count).map { _ in
        scale * (0..<12).reduce(0) { sum, _ in sum + Float.random(in: -0.5...0.5, using: &random) }
    }
}

private func error(_ a: [Float], _ b: [Float], weighted w: [Float]? = nil) -> Double {
    zip(a, b).enumerated().reduce(0) { sum, pair in
        let off = Double(pair.element.0) - Double(pair.element.1)
        return sum + Double(w?[pair.offset] ?? 1) * off * off
    }
}

/// Rounding to the nearest of evenly spaced numbers from end to end of each part, whose ends cost
/// nothing to say: what a search must be better than.
private func plainError(_ x: [Float], part: Int, steps: Float, hasMinimum: Bool) -> Double {
    stride(from: 0, to: x.count, by: part).reduce(0) { sum, start in
        let values = x[start..<start + part]
        let low = hasMinimum ? min(0, values.min() ?? 0) : 0
        let farthest = values.max { abs($0) < abs($1) } ?? 0
        let scale = hasMinimum ? ((values.max() ?? 0) - low) / steps : farthest / -steps
        let rounded = values.map { value in
            let most = hasMinimum ? steps : steps - 1
            let least = hasMinimum ? 0 : -steps
            return min(max(((value - low) / scale).rounded(), least), most) * scale + low
        }
        return sum + error(Array(values), rounded)
    }
}

@Suite("Weights in few bits")
struct WeightEncoderTests {
    /// Root of the mean square of errors, by that of the weights, and what no search is to be
    /// worse than.
    private static let bounds: [(type: ElementType, error: Double)] = [
        (.q4_K, 0.075), (.q4_0, 0.085), (.q3_K, 0.155), (.q2_K, 0.29),
    ]

    @Test("Decoded weights are as near as their bits allow", arguments: bounds.indices)
    func nearness(index: Int) throws {
        let (type, bound) = Self.bounds[index]
        let seed: UInt64 = 71
        print("nearness: seed \(seed)")
        var random = Random(seed: seed)
        let x = normal(64 * 256, using: &random)
        let bytes = try WeightEncoder(to: type).encode(x)
        #expect(bytes.count == x.count / type.blockLength * type.blockByteCount)
        let size = error(x, Array(repeating: 0, count: x.count))
        let found = (error(x, decode(bytes, type, count: x.count)) / size).squareRoot()
        #expect(found < bound, "\(type.name): \(found)")
    }

    @Test("A search comes nearer than rounding to the nearest, though its scales have few bits")
    func beatsPlainRounding() throws {
        var random = Random(seed: 72)
        let x = normal(64 * 256, using: &random)
        let uniform = Array(repeating: Float(1), count: x.count)
        let plain: [(ElementType, Double)] = [
            (.q4_K, plainError(x, part: 32, steps: 15, hasMinimum: true)),
            (.q4_0, plainError(x, part: 32, steps: 8, hasMinimum: false)),
            (.q3_K, plainError(x, part: 16, steps: 4, hasMinimum: false)),
            (.q2_K, plainError(x, part: 16, steps: 3, hasMinimum: true)),
        ]
        for (type, limit) in plain {
            let bytes = try WeightEncoder(to: type).encode(x, importance: uniform)
            let found = error(x, decode(bytes, type, count: x.count))
            #expect(found < 0.95 * limit, "\(type.name): \(found) of \(limit)")
        }
    }

    @Test("Every instruction set writes the same bytes", arguments: WeightEncoder.types)
    func sameBytes(type: ElementType) throws {
        var random = Random(seed: 73)
        let x = normal(8 * 256, using: &random) + random.floats(256, limit: 1e30)
        let importance = random.floats(x.count).map(abs)
        for weights in [nil, importance] {
            let expected = try WeightEncoder(to: type, instructionSet: .scalar)
                .encode(x, importance: weights)
            for set in fasterSets {
                let found = try WeightEncoder(to: type, instructionSet: set)
                    .encode(x, importance: weights)
                #expect(found == expected, "\(set.name)")
            }
        }
    }

    @Test("One block's scale is nearly the best of all that a half can say")
    func bruteForce() throws {
        let seed: UInt64 = 74
        print("brute force: seed \(seed)")
        var random = Random(seed: seed)
        var all = (found: 0.0, best: 0.0)
        for round in 0..<40 {
            let x = normal(32, using: &random)
            let w = random.floats(32).map { abs($0) + 0.01 }
            let bytes = try WeightEncoder(to: .q4_0).encode(x, importance: w)
            let found = error(x, decode(bytes, .q4_0, count: 32), weighted: w)
            let largest = x.reduce(0) { max($0, abs($1)) }
            let first = Float16(largest / 12).bitPattern
            let last = Float16(largest / 4).bitPattern
            let best =
                (first...last).flatMap { [$0, $0 | 0x8000] }.map { bits in
                    let scale = Float(Float16(bitPattern: bits))
                    let rounded = x.map { min(max(($0 / scale).rounded(), -8), 7) * scale }
                    return error(x, rounded, weighted: w)
                }.min() ?? 0
            #expect(found <= 1.3 * best, "round \(round): \(found), best \(best)")
            all.found += found
            all.best += best
        }
        #expect(all.found <= 1.02 * all.best, "\(all)")
    }

    @Test("What matters comes nearer where it is said what matters", arguments: WeightEncoder.types)
    func importance(type: ElementType) throws {
        var random = Random(seed: 75)
        let x = normal(32 * 256, using: &random)
        let w = (0..<x.count).map { _ in exp(Float.random(in: -3...3, using: &random)) }
        let encoder = WeightEncoder(to: type)
        let without = decode(try encoder.encode(x), type, count: x.count)
        let with = decode(try encoder.encode(x, importance: w), type, count: x.count)
        #expect(error(x, with, weighted: w) < 0.9 * error(x, without, weighted: w))
    }

    @Test("Weights that blocks can say exactly stay what they are", arguments: WeightEncoder.types)
    func exactOnGrid(type: ElementType) throws {
        var random = Random(seed: 76)
        for _ in 0..<20 {
            let x = onGrid(type, using: &random)
            let found = decode(try WeightEncoder(to: type).encode(x), type, count: x.count)
            #expect(found == x, "\(type.name)")
        }
    }

    /// A block's worth of numbers that it can say: every part uses both ends of the integers, and
    /// some part the highest level.
    private func onGrid(_ type: ElementType, using random: inout Random) -> [Float] {
        let d = Float(Float16(Float.random(in: 0.001...0.01, using: &random)))
        let m = Float(Float16(Float.random(in: 0.001...0.01, using: &random)))
        if type == .q4_0 {
            return [-8 * d, 7 * d]
                + (0..<30).map { _ in d * Float(Int.random(in: -8...7, using: &random)) }
        }
        let isSigned = type == .q3_K
        let part = type == .q4_K ? 32 : 16
        let most = type == .q2_K ? 15 : isSigned ? 31 : 63
        let integers = isSigned ? -4...3 : 0...(type == .q4_K ? 15 : 3)
        return (0..<256 / part).flatMap { index in
            let level =
                index == 0
                ? (isSigned ? -32 : most) : Int.random(in: most / 2...most, using: &random)
            let floor =
                isSigned
                ? 0 : index == 0 ? most : Int.random(in: most / 2...most, using: &random)
            return (0..<part).map { place in
                let q =
                    place == 0
                    ? integers.lowerBound
                    : place == 1
                        ? integers.upperBound : Int.random(in: integers, using: &random)
                return d * Float(level) * Float(q) - m * Float(floor)
            }
        }
    }

    @Test(
        "Zeros stay zeros, and what no half can scale becomes zero",
        arguments: WeightEncoder.types
    )
    func nothing(type: ElementType) throws {
        for value: Float in [0, -0.0, .leastNonzeroMagnitude, -1e-12] {
            let x = Array(repeating: value, count: 256)
            let found = decode(try WeightEncoder(to: type).encode(x), type, count: 256)
            #expect(found.allSatisfy { $0 == 0 }, "\(value) as \(type.name)")
        }
    }

    @Test("Weights of any size come out finite", arguments: WeightEncoder.types)
    func extremes(type: ElementType) throws {
        var random = Random(seed: 77)
        for scale: Float in [1e-30, 1e-7, 1e-3, 1, 1e4, 1e8, 1e37] {
            let x = normal(512, scale: scale, using: &random)
            for weights in [nil, x.map { abs($0) }, Array(repeating: 0, count: 512)] {
                let bytes = try WeightEncoder(to: type).encode(x, importance: weights)
                let found = decode(bytes, type, count: 512)
                #expect(found.allSatisfy { $0.isFinite }, "\(scale) as \(type.name)")
                guard (1e-3...1e4).contains(scale) else { continue }
                #expect(error(x, found) < 0.2 * error(x, Array(repeating: 0, count: 512)))
            }
        }
    }

    @Test("One weight of a block that is far out is kept, and the others do not all vanish")
    func outlier() throws {
        var random = Random(seed: 78)
        for type in WeightEncoder.types where type != .q4_0 {
            var x = normal(256, using: &random)
            x[100] = 1
            let found = decode(try WeightEncoder(to: type).encode(x), type, count: 256)
            #expect(abs(found[100] - 1) < 0.1, "\(type.name)")
            #expect(
                error(Array(x[128...]), Array(found[128...]))
                    < error(Array(x[128...]), Array(repeating: 0, count: 128))
            )
        }
    }

    @Test("What is no finite number is refused, and its place is named")
    func notFinite() throws {
        for value in [Float.nan, .infinity, -.infinity] {
            var x = Array(repeating: Float(1), count: 256)
            x[77] = value
            #expect(throws: NotFinite(place: 77)) { try WeightEncoder(to: .q4_K).encode(x) }
            let ones = Array(repeating: Float(1), count: 256)
            #expect(throws: NotFinite(place: 77)) {
                try WeightEncoder(to: .q4_K).encode(ones, importance: x)
            }
        }
        #expect("\(NotFinite(place: 77))".contains("77"))
    }

    @Test("Rows of a file are rounded and put where products want them", arguments: [7, 16, 40])
    func rowsIntoPlace(rowCount: Int) throws {
        var random = Random(seed: 79)
        for stored in [ElementType.q8_0, .f16, .bf16, .f32, .q6_K] {
            let columns = 512
            let source = randomRows(stored, rows: rowCount, columns: columns, using: &random)
            var values: [Float] = []
            kernels(.detected).dequantize(source, rows: Array(0..<rowCount), into: &values)
            for type in WeightEncoder.types {
                let encoder = WeightEncoder(to: type)
                let shape = MatrixShape(type: type, rowCount: rowCount, columnCount: columns)
                let made = WeightMatrix.make(
                    [shape],
                    in: .panels,
                    shortage: { _ in preconditionFailure("no memory") },
                    fill: { (writer: WeightWriter) throws(Never) in
                        source.bytes.withSpan { span in
                            encoder.write(
                                0..<rowCount,
                                of: 0,
                                span,
                                stored: source.shape,
                                to: writer
                            )
                        }
                    }
                )
                var found: [Float] = []
                kernels(.detected).dequantize(made[0], rows: Array(0..<rowCount), into: &found)
                let expected = decode(try encoder.encode(values), type, count: values.count)
                #expect(found == expected, "\(stored.name) to \(type.name)")
            }
        }
    }
}
