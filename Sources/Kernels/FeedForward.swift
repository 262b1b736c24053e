import CKernels
public import Tensors

/// An expert and the rows that chose it.
public struct ExpertGroup: Sendable {
    /// `[width, hidden]`.
    public let gate: WeightMatrix
    public let up: WeightMatrix
    /// `[hidden, width]`.
    public let down: WeightMatrix
    /// Which rows of the activations.
    public let rows: [Int32]
    /// How much each of them takes of the expert's output.
    public let weights: [Float]

    /// - Precondition: the matrices fit each other, and there is a weight for each row.
    public init(
        gate: WeightMatrix,
        up: WeightMatrix,
        down: WeightMatrix,
        rows: [Int32],
        weights: [Float]
    ) {
        precondition(rows.count == weights.count, "\(weights.count) weights, \(rows.count) rows")
        precondition(gate.rowCount == up.rowCount && gate.columnCount == up.columnCount)
        precondition(gate.rowCount == down.columnCount)
        precondition(gate.type.isFloat == up.type.isFloat, "gate and up take different rows")
        self.gate = gate
        self.up = up
        self.down = down
        self.rows = rows
        self.weights = weights
    }

    /// Width of the expert.
    var width: Int { gate.rowCount }
    /// Values between the two products.
    var innerCount: Int { rows.count * width }
}

extension Kernels {
    /// Adds each expert's weighted output to the rows that chose it.
    ///
    /// An output row is `down · (silu(gate · x) * (up · x))`, rounded between the products where
    /// `down` holds integers. Times its weight it is rounded to a multiple of 2^-36 and added in
    /// f64, which is exact: the sums do not depend on the order or the grouping of the groups.
    /// `sums` are `[activations.rowCount, hidden]`, added to.
    public func feedForward(
        _ groups: [ExpertGroup],
        activations x: Activations,
        into sums: inout [Double]
    ) {
        for group in groups { check(group, x, sumCount: sums.count) }
        guard let sample = groups.first else { return }
        exclusively {
            unsafe withFactors(x, for: sample.gate.type) { factors in
                unsafe sums.withUnsafeMutableBufferPointer { sums in
                    guard let sums = sums.baseAddress else { return }
                    for batch in Self.batches(groups) {
                        let inner = unsafe roomForInner(batch)
                        unsafe firstHalf(batch, factors, inner)
                        unsafe secondHalf(batch, inner, into: sums)
                    }
                }
            }
        }
    }

    /// Values between the products that are kept at once; more groups than that go in turns.
    private static let innerLimit = 1 << 21

    /// Cuts the groups into runs whose inner values stay within the limit.
    private static func batches(_ groups: [ExpertGroup]) -> [ArraySlice<ExpertGroup>] {
        var batches: [ArraySlice<ExpertGroup>] = []
        var start = 0
        var count = 0
        for (index, group) in groups.enumerated() {
            if count + group.innerCount > innerLimit, index > start {
                batches.append(groups[start..<index])
                (start, count) = (index, 0)
            }
            count += group.innerCount
        }
        batches.append(groups[start...])
        return batches
    }

    private func roomForInner(_ groups: ArraySlice<ExpertGroup>) -> Inner {
        let count = groups.reduce(0) { $0 + $1.innerCount }
        return unsafe Inner(
            gate: scratch.gate.pointer(count: count),
            up: scratch.up.pointer(count: count),
            quants: scratch.quants.pointer(count: count),
            scales: scratch.scales.pointer(count: count / 32),
            sums: scratch.innerSums.pointer(count: count / 32),
            halfSums: scratch.innerHalfSums.pointer(count: count / 16)
        )
    }

    /// Gate, up and what lies between them and down, in slices of each expert's width.
    private func firstHalf(_ groups: ArraySlice<ExpertGroup>, _ x: Factors, _ inner: Inner) {
        let widest = groups.reduce(0) { max($0, $1.width) }
        let operations = groups.reduce(0) { $0 + 2 * $1.innerCount * $1.gate.columnCount }
        let slices = Slices(
            outputs: widest,
            operations: operations / groups.count,
            threadCount: threadCount
        )
        let starts = Self.innerStarts(groups)
        nonisolated(unsafe) let (x, inner) = unsafe (x, inner)
        pool.run(groups.count * slices.count) { [self] task in
            let (index, slice) = task.quotientAndRemainder(dividingBy: slices.count)
            let group = groups[groups.startIndex + index]
            let outputs = slices[slice].clamped(to: 0..<group.width)
            unsafe activate(group, outputs, x, inner.advanced(by: starts[index]))
        }
    }

    /// Where each group's inner values start.
    private static func innerStarts(_ groups: ArraySlice<ExpertGroup>) -> [Int] {
        var start = 0
        return groups.map { group in
            defer { start += group.innerCount }
            return start
        }
    }

    private func activate(
        _ group: ExpertGroup,
        _ outputs: Range<Int>,
        _ x: Factors,
        _ inner: Inner
    ) {
        guard !outputs.isEmpty else { return }
        let width = group.width
        unsafe group.rows.withUnsafeBufferPointer { rows in
            var x = unsafe x
            unsafe x.rows = rows.baseAddress
            unsafe x.rowCount = rows.count
            let start = outputs.lowerBound
            unsafe multiply(x, group.gate, outputs, into: inner.gate + start, stride: width)
            unsafe multiply(x, group.up, outputs, into: inner.up + start, stride: width)
        }
        for row in group.rows.indices {
            let start = row * width + outputs.lowerBound
            let gate = unsafe inner.gate + start
            unsafe table.silu_multiply(gate, gate, inner.up + start, outputs.count)
            guard !group.down.type.isFloat else { continue }
            let quants = unsafe inner.quants + start
            unsafe table.quantize(quants, inner.scales + start / 32, gate, outputs.count)
            unsafe table.sums(
                inner.sums + start / 32,
                inner.halfSums + start / 16,
                quants,
                outputs.count
            )
        }
    }

    /// Down and the weighted sum: each task owns some columns of the sums, for all groups.
    private func secondHalf(
        _ groups: ArraySlice<ExpertGroup>,
        _ inner: Inner,
        into sums: UnsafeMutablePointer<Double>
    ) {
        let hidden = groups[groups.startIndex].down.rowCount
        let mostRows = groups.reduce(0) { max($0, $1.rows.count) }
        let slices = Slices(
            outputs: hidden,
            operations: groups.reduce(0) { $0 + $1.innerCount * hidden },
            threadCount: threadCount
        )
        nonisolated(unsafe) let y = unsafe scratch.outputs.pointer(count: mostRows * hidden)
        nonisolated(unsafe) let (inner, sums) = unsafe (inner, sums)
        pool.run(slices.count) { [self] index in
            let columns = slices[index]
            var inner = unsafe inner
            for group in groups {
                let x = unsafe inner.factors(rowCount: group.rows.count)
                let start = unsafe y + columns.lowerBound
                unsafe multiply(x, group.down, columns, into: start, stride: hidden)
                for (row, target) in group.rows.enumerated() {
                    unsafe table.accumulate(
                        sums + Int(target) * hidden + columns.lowerBound,
                        start + row * hidden,
                        group.weights[row],
                        columns.count
                    )
                }
                unsafe inner = inner.advanced(by: group.innerCount)
            }
        }
    }

    private func check(_ group: ExpertGroup, _ x: Activations, sumCount: Int) {
        precondition(
            group.gate.columnCount == x.width,
            "an expert of \(group.gate.columnCount) inputs cannot take rows of \(x.width)"
        )
        precondition(
            sumCount == x.rowCount * group.down.rowCount,
            "\(sumCount) sums are not \(x.rowCount) x \(group.down.rowCount)"
        )
        precondition(
            group.gate.type.isFloat ? x.hasValues : x.hasQuants,
            "\(group.gate.type.name) weights need the other form of activations"
        )
        for row in group.rows {
            precondition(row >= 0 && row < x.rowCount, "no row \(row) among \(x.rowCount)")
        }
        for matrix in [group.gate, group.up, group.down] {
            precondition(Self.supports(matrix.type), "no products with \(matrix.type.name)")
        }
        precondition(group.down.type.isFloat || group.width % 32 == 0)
    }
}

/// Rows between the two products of the experts, group after group, `[rows, width]` each.
@unsafe private struct Inner {
    var gate: UnsafeMutablePointer<Float>
    var up: UnsafeMutablePointer<Float>
    var quants: UnsafeMutablePointer<Int8>
    var scales: UnsafeMutablePointer<Float>
    var sums: UnsafeMutablePointer<Int32>
    var halfSums: UnsafeMutablePointer<Int32>

    func advanced(by count: Int) -> Inner {
        unsafe Inner(
            gate: gate + count,
            up: up + count,
            quants: quants + count,
            scales: scales + count / 32,
            sums: sums + count / 32,
            halfSums: halfSums + count / 16
        )
    }

    func factors(rowCount: Int) -> Factors {
        unsafe Factors(
            values: gate,
            quants: quants,
            scales: scales,
            sums: sums,
            halfSums: halfSums,
            rows: nil,
            rowCount: rowCount
        )
    }
}
