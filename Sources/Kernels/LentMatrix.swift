import CKernels
import Tensors

/// A matrix of weights on its way into products, as a pointer: copies of it count no reference.
///
/// Threads that take the same expert in turns would otherwise wait for each other where its
/// references are counted.
@safe struct LentMatrix: BitwiseCopyable {
    private let start: UnsafePointer<UInt8>
    let rowCount: Int
    let columns: moiety_columns
    let rowByteCount: Int
    let type: UInt32
    let isFloat: Bool

    /// Valid as long as the matrix.
    ///
    /// - Precondition: integer weights lie in panels, float ones in rows.
    init(_ matrix: WeightMatrix) {
        let layout: WeightMatrix.Layout = matrix.type.isFloat ? .rows : .panels
        precondition(matrix.layout == layout, "\(matrix.type.name) weights lie in \(matrix.layout)")
        unsafe start = matrix.address
        rowCount = matrix.rowCount
        columns = matrix.shape.unitColumns
        rowByteCount = matrix.rowByteCount
        type = matrix.type.rawValue
        isFloat = matrix.type.isFloat
    }

    /// Where a row starts, or the panel whose first row it is.
    func address(ofRow row: Int) -> UnsafePointer<UInt8> {
        let isStart = isFloat || row % WeightMatrix.panelLength == 0
        precondition(isStart, "no panel starts at row \(row)")
        return unsafe start + row * rowByteCount
    }
}

extension moiety_kernels {
    /// The outputs of a slice for all rows of `x`, on this thread; `y` starts at the slice.
    ///
    /// - Parameter next: weights whose same outputs this thread reads next; they are fetched while
    ///   the last of these are multiplied.
    func multiply(
        _ x: Factors,
        _ w: LentMatrix,
        _ outputs: Range<Int>,
        into y: UnsafeMutablePointer<Float>,
        stride: Int,
        next: LentMatrix? = nil
    ) {
        guard !w.isFloat else {
            return unsafe multiplyFloats(x, w, outputs, into: y, stride: stride)
        }
        var product = unsafe moiety_integer_product(
            y: y,
            y_stride: stride,
            quants: x.quants,
            scales: x.scales,
            sums: x.sums,
            half_sums: x.halfSums,
            rows: x.rows,
            row_count: x.rowCount,
            weights: w.address(ofRow: outputs.lowerBound),
            row_bytes: w.rowByteCount,
            output_count: outputs.count,
            columns: w.columns,
            type: w.type,
            next: nil
        )
        if let next, !next.isFloat {
            unsafe product.next = next.address(ofRow: outputs.lowerBound)
        }
        unsafe integer_product(&product)
    }

    private func multiplyFloats(
        _ x: Factors,
        _ w: LentMatrix,
        _ outputs: Range<Int>,
        into y: UnsafeMutablePointer<Float>,
        stride: Int
    ) {
        var product = unsafe moiety_float_product(
            y: y,
            y_stride: stride,
            x: x.values,
            rows: x.rows,
            row_count: x.rowCount,
            weights: w.address(ofRow: outputs.lowerBound),
            row_bytes: w.rowByteCount,
            output_count: outputs.count,
            columns: w.columns.count,
            type: w.type
        )
        unsafe float_product(&product)
    }
}
