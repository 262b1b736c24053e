import CKernels
public import Tensors

/// Computes gated feed-forward networks: experts, shared ones and dense layers.
extension Kernels {
    /// Adds each expert's weighted output to the rows that chose it.
    ///
    /// An output row is `down · (silu(gate · x) * (up · x))`, rounded between the products where
    /// `down` holds integers. Times its weight it is rounded to a multiple of 2^-36 and added in
    /// f64, which is exact: the sums do not depend on the order or the grouping of the visits.
    /// `sums` are `[activations.rowCount, hidden]`, added to.
    ///
    /// Slices of an expert's width that begin and end at multiples of 32 are narrower experts, and
    /// their outputs sum to the whole's but for rounding: what lies between the products is the
    /// same, bit for bit, but each slice adds its own terms from 0 on, in f32, and is rounded to a
    /// multiple of 2^-36. An output of the whole has n terms, one for each block of 32 (two where a
    /// type has minimums) or each float weight; with S the sum of their magnitudes, the sum of k
    /// slices lies within `|weight| * n * S * 2^-23 + k * 2^-36` of it.
    public func feedForward(
        _ visits: ExpertVisits,
        activations x: Activations,
        into sums: inout [Double]
    ) {
        for group in visits.groups { check(group, visits, x, sumCount: sums.count) }
        guard let sample = visits.groups.first else { return }
        exclusively {
            unsafe withFactors(x, for: sample.gate.type) { x in
                unsafe sums.withUnsafeMutableBufferPointer { sums in
                    unsafe visits.withPointers { rows, weights in
                        guard let sums = sums.baseAddress else { return }
                        var run = unsafe FeedForwardRun(
                            kernels: self,
                            groups: lend(visits.groups),
                            rows: rows,
                            weights: weights,
                            x: x,
                            sums: sums
                        )
                        while run.takeNextBatch(scratch) {
                            run.firstHalf(on: pool)
                            run.secondHalf(on: pool, scratch)
                        }
                    }
                }
            }
        }
    }

    private func lend(_ groups: [ExpertVisits.Group]) -> UnsafeBufferPointer<LentGroup> {
        let start = unsafe scratch.groups.pointer(count: groups.count)
        for (index, group) in groups.enumerated() { unsafe start[index] = LentGroup(group) }
        return unsafe UnsafeBufferPointer(start: start, count: groups.count)
    }

    private func check(
        _ group: ExpertVisits.Group,
        _ visits: ExpertVisits,
        _ x: Activations,
        sumCount: Int
    ) {
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
        for visit in group.visits {
            let row = visits.rows[visit]
            precondition(row >= 0 && row < x.rowCount, "no row \(row) among \(x.rowCount)")
        }
        precondition(Self.supports(group.gate.type), "no products with \(group.gate.type.name)")
        precondition(Self.supports(group.up.type), "no products with \(group.up.type.name)")
        precondition(Self.supports(group.down.type), "no products with \(group.down.type.name)")
        precondition(group.down.type.isFloat || group.width % 32 == 0)
    }
}

/// An expert and its visits, its matrices as pointers.
struct LentGroup: BitwiseCopyable {
    let gate: LentMatrix
    let up: LentMatrix
    let down: LentMatrix
    private let firstVisit: Int
    private let visitCount: Int
    let innerStart: Int

    init(_ group: ExpertVisits.Group) {
        gate = LentMatrix(group.gate)
        up = LentMatrix(group.up)
        down = LentMatrix(group.down)
        firstVisit = group.visits.lowerBound
        visitCount = group.visits.count
        innerStart = group.innerStart
    }

    var visits: Range<Int> { firstVisit..<firstVisit + visitCount }
    var width: Int { gate.rowCount }
    var innerCount: Int { visitCount * width }
    var innerEnd: Int { innerStart + innerCount }
}

/// One call of `feedForward`: goes through the groups in batches whose inner values fit a bound.
///
/// Each of its tasks copies it, so it counts no references.
@safe private struct FeedForwardRun {
    let table: moiety_kernels
    let threadCount: Int
    let groups: UnsafeBufferPointer<LentGroup>
    let rows: UnsafePointer<Int32>
    let weights: UnsafePointer<Float>
    let x: Factors
    let sums: UnsafeMutablePointer<Double>

    /// The groups of the batch.
    private var batch = 0..<0
    /// Where their inner values lie, group after group, `[visits, width]` each.
    private var inner: Inner

    /// Values between the products that are kept at once.
    private static let innerLimit = 1 << 21

    init(
        kernels: Kernels,
        groups: UnsafeBufferPointer<LentGroup>,
        rows: UnsafePointer<Int32>,
        weights: UnsafePointer<Float>,
        x: Factors,
        sums: UnsafeMutablePointer<Double>
    ) {
        table = kernels.table
        threadCount = kernels.threadCount
        unsafe self.groups = groups
        unsafe self.rows = rows
        unsafe self.weights = weights
        unsafe self.x = x
        unsafe self.sums = sums
        unsafe inner = Inner(in: kernels.scratch, count: 0)
    }

    /// Goes on to the groups that fit the bound together, at least one.
    mutating func takeNextBatch(_ scratch: Scratch) -> Bool {
        let start = batch.upperBound
        guard unsafe start < groups.count else { return false }
        let limit = unsafe groups[start].innerStart + Self.innerLimit
        var end = start + 1
        while unsafe end < groups.count, unsafe groups[end].innerEnd <= limit { end += 1 }
        batch = start..<end
        let count = unsafe groups[end - 1].innerEnd - groups[start].innerStart
        unsafe inner = Inner(in: scratch, count: count)
        return true
    }

    private func innerValues(of group: LentGroup) -> Inner {
        unsafe inner.advanced(by: group.innerStart - groups[batch.lowerBound].innerStart)
    }

    // MARK: Gate, up and what lies between them and down

    /// Computes slices of each expert's width.
    func firstHalf(on pool: ThreadPool) {
        var widest = 0
        var operations = 0
        for index in batch {
            let group = unsafe groups[index]
            widest = max(widest, group.width)
            operations += 2 * group.innerCount * group.gate.columns.count
        }
        // Several experts are tasks enough; long pieces are read faster than short ones.
        let tasks = 2 * Slices.taskLimit(operations: operations, threadCount: threadCount)
        let slices = Slices(outputs: widest, count: (tasks + batch.count - 1) / batch.count)
        pool.run(batch.count * slices.count, with: (self, slices)) { run, task in
            let (run, slices) = run
            let (index, slice) = task.quotientAndRemainder(dividingBy: slices.count)
            let group = unsafe run.groups[run.batch.lowerBound + index]
            run.activate(group, slices[slice].clamped(to: 0..<group.width))
        }
    }

    private func activate(_ group: LentGroup, _ outputs: Range<Int>) {
        guard !outputs.isEmpty else { return }
        let width = group.width
        let start = outputs.lowerBound
        let inner = unsafe innerValues(of: group)
        var x = unsafe x
        unsafe x.rows = rows + group.visits.lowerBound
        unsafe x.rowCount = group.visits.count
        unsafe table.multiply(
            x,
            group.gate,
            outputs,
            into: inner.gate + start,
            stride: width,
            next: group.up
        )
        unsafe table.multiply(x, group.up, outputs, into: inner.up + start, stride: width)
        for row in group.visits.indices {
            let start = (row - group.visits.lowerBound) * width + outputs.lowerBound
            let gate = unsafe inner.gate + start
            unsafe table.silu_multiply(gate, gate, inner.up + start, outputs.count)
            guard !group.down.isFloat else { continue }
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

    // MARK: Down and the weighted sum

    /// Computes slices of the columns of the sums, each for all groups.
    func secondHalf(on pool: ThreadPool, _ scratch: Scratch) {
        let hidden = unsafe groups[batch.lowerBound].down.rowCount
        var mostRows = 0
        var operations = 0
        for index in batch {
            let group = unsafe groups[index]
            mostRows = max(mostRows, group.visits.count)
            operations += group.innerCount * hidden
        }
        let slices = Slices(outputs: hidden, operations: operations, threadCount: threadCount)
        let y = unsafe scratch.outputs.pointer(count: mostRows * hidden)
        unsafe pool.run(slices.count, with: (self, slices, y)) { run, task in
            let (run, slices, y) = unsafe run
            for index in run.batch { unsafe run.addOutputs(index, slices[task], y) }
        }
    }

    private func addOutputs(
        _ index: Int,
        _ columns: Range<Int>,
        _ y: UnsafeMutablePointer<Float>
    ) {
        let group = unsafe groups[index]
        let hidden = group.down.rowCount
        let x = unsafe innerValues(of: group).factors(rowCount: group.visits.count)
        let start = unsafe y + columns.lowerBound
        unsafe table.multiply(
            x,
            group.down,
            columns,
            into: start,
            stride: hidden,
            next: index + 1 < batch.upperBound ? groups[index + 1].down : nil
        )
        for visit in group.visits {
            unsafe table.accumulate(
                sums + Int(rows[visit]) * hidden + columns.lowerBound,
                start + (visit - group.visits.lowerBound) * hidden,
                weights[visit],
                columns.count
            )
        }
    }
}

/// Rows between the two products of the experts.
@unsafe private struct Inner {
    var gate: UnsafeMutablePointer<Float>
    var up: UnsafeMutablePointer<Float>
    var quants: UnsafeMutablePointer<Int8>
    var scales: UnsafeMutablePointer<Float>
    var sums: UnsafeMutablePointer<Int32>
    var halfSums: UnsafeMutablePointer<Int32>

    /// Room for `count` values.
    init(in scratch: Scratch, count: Int) {
        unsafe gate = scratch.gate.pointer(count: count)
        unsafe up = scratch.up.pointer(count: count)
        unsafe quants = scratch.quants.pointer(count: count)
        unsafe scales = scratch.scales.pointer(count: count / 32)
        unsafe sums = scratch.innerSums.pointer(count: count / 32)
        unsafe halfSums = scratch.innerHalfSums.pointer(count: count / 16)
    }

    func advanced(by count: Int) -> Inner {
        var result = unsafe self
        unsafe result.gate += count
        unsafe result.up += count
        unsafe result.quants += count
        unsafe result.scales += count / 32
        unsafe result.sums += count / 32
        unsafe result.halfSums += count / 16
        return unsafe result
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
