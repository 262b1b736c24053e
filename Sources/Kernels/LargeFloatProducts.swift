import CKernels
import COpenBLAS
import Tensors

/// Products of many rows with large float matrices, by OpenBLAS.
extension Kernels {
    /// Rows from which unpacking the weights pays.
    private static let leastRows = 32
    private static let leastWeights = 1 << 20
    /// Outputs whose weights are widened to f32 at once.
    private static let stripLength = 64

    /// Tells OpenBLAS that the threads are ours; it would start one per core for each of them.
    static let singleThreadedBLAS: Void = openblas_set_num_threads(1)

    static func suitsBLAS(_ w: WeightMatrix, rowCount: Int, order: ProductOrder) -> Bool {
        order == .fast && w.type.isFloat && rowCount >= leastRows
            && w.rowCount * w.columnCount >= leastWeights
    }

    /// `y = x · wᵀ` for all rows of `x`, outputs shared among the threads.
    func multiplyByBLAS(_ x: Factors, _ w: LentMatrix, into y: UnsafeMutablePointer<Float>) {
        _ = Self.singleThreadedBLAS
        let slices = unsafe Slices(
            outputs: w.rowCount,
            operations: x.rowCount * w.rowCount * w.columns.count,
            threadCount: threadCount
        )
        let strips = unsafe scratch.strips.pointer(
            count: slices.count * Self.stripLength * w.columns.count
        )
        let state = unsafe (kernels: self, x: x, w: w, y: y, slices: slices, strips: strips)
        unsafe pool.run(slices.count, with: state) { state, index in
            let (kernels, x, w, y, slices, strips) = unsafe state
            let (slice, length) = (slices[index], Self.stripLength)
            let strip = unsafe strips + index * length * w.columns.count
            for start in stride(from: slice.lowerBound, to: slice.upperBound, by: length) {
                let outputs = start..<min(start + length, slice.upperBound)
                unsafe kernels.multiplyStrip(x, w, outputs, strip, into: y)
            }
        }
    }

    private func multiplyStrip(
        _ x: Factors,
        _ w: LentMatrix,
        _ outputs: Range<Int>,
        _ strip: UnsafeMutablePointer<Float>,
        into y: UnsafeMutablePointer<Float>
    ) {
        unsafe table.dequantize(
            strip,
            w.address(ofRow: outputs.lowerBound),
            outputs.count * w.columns.count,
            w.type
        )
        unsafe cblas_sgemm(
            CblasRowMajor,
            CblasNoTrans,
            CblasTrans,
            blasint(x.rowCount),
            blasint(outputs.count),
            blasint(w.columns.count),
            1,
            x.values,
            blasint(w.columns.count),
            strip,
            blasint(w.columns.count),
            0,
            y + outputs.lowerBound,
            blasint(w.rowCount)
        )
    }
}
