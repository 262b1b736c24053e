import Foundation
import Kernels
import Tensors
import Testing

/// An expert and the rows that chose it.
private struct ExpertGroup {
    let gate: WeightMatrix
    let up: WeightMatrix
    let down: WeightMatrix
    let rows: [Int32]
    let weights: [Float]
}

/// Experts of one layer, rows of activations and who chose whom.
private struct Layer {
    let hidden: Int
    let width: Int
    let groups: [ExpertGroup]
    let x: Activations

    init(_ type: ElementType, down: ElementType, hidden: Int, width: Int, rows: Int, seed: UInt64) {
        var random = Random(seed: seed)
        self.hidden = hidden
        self.width = width
        var groups: [ExpertGroup] = []
        for _ in 0..<5 {
            let chosen = (0..<Int32(rows)).filter { _ in Bool.random(using: &random) }
            groups.append(
                ExpertGroup(
                    gate: randomWeights(type, rows: width, columns: hidden, using: &random),
                    up: randomWeights(type, rows: width, columns: hidden, using: &random),
                    down: randomWeights(down, rows: hidden, columns: width, using: &random),
                    rows: chosen,
                    weights: chosen.map { _ in Float.random(in: 0...1, using: &random) }
                )
            )
        }
        self.groups = groups
        var x = Activations(values: random.floats(rows * hidden, limit: 0.1), width: hidden)
        kernels(.scalar).quantize(&x)
        self.x = x
    }

    func sums(_ kernels: Kernels, _ batches: [[ExpertGroup]]) -> [Double] {
        var sums = [Double](repeating: 0, count: x.rowCount * hidden)
        var visits = ExpertVisits()
        for batch in batches {
            visits.removeAll()
            for group in batch {
                for (row, weight) in zip(group.rows, group.weights) {
                    visits.add(row: row, weight: weight)
                }
                visits.addExpert(gate: group.gate, up: group.up, down: group.down)
            }
            kernels.feedForward(visits, activations: x, into: &sums)
        }
        return sums
    }

    /// The same, step by step with the other operations, each expert's rows alone.
    func reference(_ kernels: Kernels) -> [Double] {
        var sums = [Double](repeating: 0, count: x.rowCount * hidden)
        for group in groups {
            for (index, row) in group.rows.enumerated() {
                let y = expert(kernels, group, Int(row))
                for column in 0..<hidden {
                    let exact = Double(y[column]) * Double(group.weights[index])
                    sums[Int(row) * hidden + column] +=
                        (exact * 0x1p36).rounded(.toNearestOrEven) * 0x1p-36
                }
            }
        }
        return sums
    }

    private func expert(_ kernels: Kernels, _ group: ExpertGroup, _ row: Int) -> [Float] {
        var x = Activations(values: rows(x.values, row..<row + 1, width: hidden), width: hidden)
        kernels.quantize(&x)
        var gate = [Float](repeating: 0, count: width)
        var up = gate
        kernels.multiply(group.gate, x, into: &gate)
        kernels.multiply(group.up, x, into: &up)
        var inner = Activations(rowCount: 1, width: width)
        kernels.siluMultiply(gate: gate, up: up, into: &inner.values)
        if !group.down.type.isFloat { kernels.quantize(&inner) }
        var y = [Float](repeating: 0, count: hidden)
        kernels.multiply(group.down, inner, into: &y)
        return y
    }
}

@Suite("Experts' feed-forward")
struct FeedForwardTests {
    @Test(
        "Sums equal the steps done one by one, in every table and with any number of threads",
        arguments: [ElementType.q8_0, .q4_0, .f32, .bf16, .mxfp4]
    )
    func equalsSteps(type: ElementType) {
        let layer = Layer(type, down: type, hidden: 96, width: 160, rows: 13, seed: 51)
        let expected = layer.reference(kernels(.scalar))
        for set in InstructionSet.supported {
            for threads in [1, 2, 3] {
                #expect(layer.sums(kernels(set, threads: threads), [layer.groups]) == expected)
            }
        }
    }

    @Test("Types may differ between the products")
    func mixedTypes() {
        let layer = Layer(.q4_K, down: .q6_K, hidden: 256, width: 512, rows: 6, seed: 52)
        #expect(layer.sums(kernels(.detected), [layer.groups]) == layer.reference(kernels(.scalar)))
        let floats = Layer(.q8_0, down: .f16, hidden: 64, width: 96, rows: 6, seed: 53)
        #expect(
            floats.sums(kernels(.detected), [floats.groups]) == floats.reference(kernels(.scalar))
        )
    }

    @Test("Neither order nor grouping of the experts changes a bit")
    func grouping() {
        let layer = Layer(.q8_0, down: .q8_0, hidden: 128, width: 64, rows: 20, seed: 54)
        let kernels = kernels(.detected, threads: 2)
        let together = layer.sums(kernels, [layer.groups])
        #expect(layer.sums(kernels, [layer.groups.reversed()]) == together)
        #expect(layer.sums(kernels, layer.groups.map { [$0] }) == together)
        let halves = layer.groups.map { group in
            let middle = group.rows.count / 2
            return [0..<middle, middle..<group.rows.count].map { part in
                ExpertGroup(
                    gate: group.gate,
                    up: group.up,
                    down: group.down,
                    rows: Array(group.rows[part]),
                    weights: Array(group.weights[part])
                )
            }
        }
        #expect(layer.sums(kernels, halves) == together)
    }

    @Test("More inner values than are kept at once change nothing")
    func manyRows() {
        let layer = Layer(.q4_0, down: .q4_0, hidden: 32, width: 2048, rows: 1100, seed: 55)
        let kernels = kernels(.detected, threads: 2)
        let alone = layer.sums(kernels, layer.groups.map { [$0] })
        #expect(layer.sums(kernels, [layer.groups]) == alone)
    }

    @Test("No groups and no rows add nothing")
    func nothing() {
        let layer = Layer(.q8_0, down: .q8_0, hidden: 32, width: 32, rows: 2, seed: 56)
        let empty = layer.groups.prefix(1).map {
            ExpertGroup(gate: $0.gate, up: $0.up, down: $0.down, rows: [], weights: [])
        }
        #expect(layer.sums(kernels(.detected), [[], empty]).allSatisfy { $0 == 0 })
    }
}
