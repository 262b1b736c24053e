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
    func multiplyByBLAS(_ x: Factors, _ w: WeightMatrix, into y: UnsafeMutablePointer<Float>) {
        _ = Self.singleThreadedBLAS
        let slices = Slices(
            outputs: w.rowCount,
            operations: unsafe x.rowCount * w.rowCount * w.columnCount,
            threadCount: threadCount
        )
        let strips = unsafe scratch.strips.pointer(
            count: slices.count * Self.stripLength * w.columnCount
        )
        let state = unsafe (kernels: self, x: x, w: w, y: y, slices: slices, strips: strips)
        unsafe pool.run(slices.count, with: state) { state, index in
            let (kernels, x, w, y, slices, strips) = unsafe state
            let (slice, length) = (slices[index], Self.stripLength)
            let strip = unsafe strips + index * length * w.columnCount
            for start in stride(from: slice.lowerBound, to: slice.upperBound, by: length) {
                let outputs = start..<min(start + length, slice.upperBound)
                unsafe kernels.multiplyStrip(x, w, outputs, strip, into: y)
            }
        }
    }

    private func multiplyStrip(
        _ x: Factors,
        _ w: WeightMatrix,
        _ outputs: Range<Int>,
        _ strip: UnsafeMutablePointer<Float>,
        into y: UnsafeMutablePointer<Float>
    ) {
        unsafe w.withRows(from: outputs.lowerBound) { weights in
            unsafe table.dequantize(
                strip,
                weights,
                outputs.count * w.columnCount,
                w.type.rawValue
            )
        }
        unsafe cblas_sgemm(
            CblasRowMajor,
            CblasNoTrans,
            CblasTrans,
            blasint(x.rowCount),
            blasint(outputs.count),
            blasint(w.columnCount),
            1,
            x.values,
            blasint(w.columnCount),
            strip,
            blasint(w.columnCount),
            0,
            y + outputs.lowerBound,
            blasint(w.rowCount)
        )
    }
}
