import Foundation
import Kernels
import Tensors
import Testing

@Suite("Operations on rows")
struct RowOperationTests {
    let tables = InstructionSet.supported.map { kernels($0) }
    let widths = [1, 2, 15, 16, 17, 64, 129, 2048]

    /// Runs `operation` with every table, expects equal bits and returns them.
    private func everywhere(_ operation: (Kernels) -> [Float]) -> [Float] {
        let results = tables.map(operation)
        for result in results.dropFirst() { #expect(same(result, results[0])) }
        return results[0]
    }

    private func near(_ a: [Float], _ b: [Double], within bound: Double) -> Bool {
        a.count == b.count
            && zip(a, b).allSatisfy { abs(Double($0) - $1) <= bound * max(1, abs($1)) }
    }

    @Test("RMS norm divides by the root mean square and multiplies by the weight")
    func rmsNorm() {
        var random = Random(seed: 31)
        for width in widths {
            let x = random.floats(3 * width)
            let weight = random.floats(width)
            let y = everywhere { kernels in
                var y = [Float](repeating: 0, count: x.count)
                kernels.rmsNorm(x, weight: weight, epsilon: 0.25, into: &y)
                return y
            }
            let inPlace = everywhere { kernels in
                var y = x
                kernels.rmsNorm(&y, weight: weight, epsilon: 0.25)
                return y
            }
            #expect(same(y, inPlace))
            let expected = (0..<3).flatMap { row -> [Double] in
                let values = rows(x, row..<row + 1, width: width).map(Double.init)
                let mean = values.reduce(0) { $0 + $1 * $1 } / Double(width)
                return zip(values, weight).map { $0 / (mean + 0.25).squareRoot() * Double($1) }
            }
            #expect(near(y, expected, within: 1e-5), "width \(width)")
        }
    }

    @Test("Softmax gives the probabilities, and survives large scores")
    func softmax() {
        var random = Random(seed: 32)
        for width in widths {
            let x = random.floats(2 * width, limit: 300)
            let y = everywhere { kernels in
                var y = x
                kernels.softmax(&y, width: width)
                return y
            }
            let expected = (0..<2).flatMap { row -> [Double] in
                let values = rows(x, row..<row + 1, width: width).map(Double.init)
                let largest = values.max() ?? 0
                let powers = values.map { exp($0 - largest) }
                let sum = powers.reduce(0, +)
                return powers.map { $0 / sum }
            }
            #expect(near(y, expected, within: 1e-6), "width \(width)")
        }
    }

    @Test("silu(gate) * up is right for every width")
    func siluMultiply() {
        var random = Random(seed: 33)
        for width in widths {
            let gate = random.floats(width, limit: 20)
            let up = random.floats(width)
            let y = everywhere { kernels in
                var y = [Float](repeating: 0, count: width)
                kernels.siluMultiply(gate: gate, up: up, into: &y)
                return y
            }
            let expected = zip(gate, up).map { gate, up in
                Double(gate) / (1 + exp(-Double(gate))) * Double(up)
            }
            #expect(near(y, expected, within: 1e-5))
        }
    }

    @Test("Biases, rows and sums are added")
    func additions() {
        for kernels in tables {
            var y: [Float] = [1, 2, 3, 4]
            kernels.addBias([10, 20], to: &y)
            #expect(y == [11, 22, 13, 24])
            kernels.add([1, 1, 1, 1] as [Float], to: &y)
            kernels.add([0.5, 0, 0, 0] as [Double], to: &y)
            #expect(y == [12.5, 23, 14, 25])
        }
    }

    @Test("The first value above a limit is found, wherever it is and whatever is before it")
    func firstAbove() {
        for kernels in tables {
            for count in [1, 15, 16, 31, 32, 33, 64, 100] {
                for place in 0..<count {
                    var x = [Float](repeating: 1, count: count + 2)
                    x[0] = 9
                    x[place + 1] = 2
                    // A slice: what lies around it does not count.
                    let slice = x[1..<count + 1]
                    #expect(kernels.firstAbove(1, in: slice) == place)
                    #expect(kernels.firstAbove(1, in: slice, from: place) == place)
                    #expect(kernels.firstAbove(1, in: slice, from: place + 1) == nil)
                    #expect(kernels.firstAbove(2, in: slice) == nil)
                }
            }
            #expect(kernels.firstAbove(0, in: []) == nil)
        }
    }

    @Test("The largest value is the first of equal ones, also of infinities and zeros")
    func largest() {
        var random = Random(seed: 71)
        for kernels in tables {
            for count in [1, 2, 17, 32, 500, 4099] {
                let x = random.floats(count).map { ($0 * 50).rounded() }
                let expected = x.indices.min { (-x[$0], $0) < (-x[$1], $1) }
                #expect(kernels.largest(x[...]) == expected)
            }
            #expect(kernels.largest([]) == 0)
            #expect(kernels.largest([-.infinity, -.infinity]) == 0)
            #expect(kernels.largest([-0.0, 0, 0]) == 0)
            #expect(kernels.largest([3, 7, .infinity, .infinity][1...]) == 1)
        }
    }

    @Test("Sums are as many zeros as asked for, whatever they were")
    func clear() {
        for kernels in tables {
            var sums: [Double] = [1, .nan, 3]
            for count in [3, 0, 5, 2] {
                kernels.clear(&sums, count: count)
                #expect(sums == [Double](repeating: 0, count: count))
                for place in sums.indices { sums[place] = 7 }
            }
        }
    }

    @Test("A single bad value among many is found", arguments: [0, 15, 16, 99, 100])
    func allFinite(position: Int) {
        for kernels in tables {
            var x = [Float](repeating: -.greatestFiniteMagnitude, count: 101)
            #expect(kernels.allFinite(x) && kernels.allFinite([]))
            for bad in [Float.nan, .infinity, -.infinity] {
                x[position] = bad
                #expect(!kernels.allFinite(x))
            }
        }
    }
}

@Suite("Rotary positions")
struct RopeTests {
    @Test("Pairs turn by position times frequency; the rest stays", arguments: [true, false])
    func rotation(halves: Bool) {
        var random = Random(seed: 34)
        let (heads, headWidth, pairs) = (3, 20, 8)
        let frequencies = (0..<pairs).map { pow(10_000, -Double($0) / Double(pairs)) }
        let positions: [Int32] = [0, 1, 77, 1_000_000]
        var rope = RopeTable(frequencies: frequencies, magnitude: 1.5)
        rope.prepare(positions: positions)
        let x = random.floats(positions.count * heads * headWidth)

        var expected = x.map(Double.init)
        for (row, position) in positions.enumerated() {
            for head in 0..<heads {
                let start = (row * heads + head) * headWidth
                for pair in 0..<pairs {
                    let a = start + (halves ? pair : 2 * pair)
                    let b = start + (halves ? pair + pairs : 2 * pair + 1)
                    let angle = Double(position) * frequencies[pair]
                    let (c, s) = (1.5 * cos(angle), 1.5 * sin(angle))
                    let (first, second) = (Double(x[a]), Double(x[b]))
                    expected[a] = first * c - second * s
                    expected[b] = first * s + second * c
                }
            }
        }
        var results: [[Float]] = []
        for set in InstructionSet.supported {
            var y = x
            kernels(set).rotate(
                &y,
                heads: heads,
                headWidth: headWidth,
                kind: halves ? .halves : .adjacent,
                table: rope
            )
            results.append(y)
        }
        #expect(results.allSatisfy { same($0, results[0]) })
        #expect(zip(results[0], expected).allSatisfy { abs(Double($0) - $1) < 1e-5 })
    }
}
