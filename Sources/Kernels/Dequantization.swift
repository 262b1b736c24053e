import CKernels
public import Tensors

extension Kernels {
    /// Row `row` of the matrix as f32.
    ///
    /// - Parameter y: resized to `w.columnCount` values.
    public func dequantize(_ w: WeightMatrix, row: Int, into y: inout [Float]) {
        precondition(row >= 0 && row < w.rowCount, "no row \(row) among \(w.rowCount)")
        y.resize(to: w.columnCount, filler: 0)
        dequantize(w, rows: [row], into: &y, at: 0)
    }

    /// Several rows of the matrix as f32: `[rows.count, w.columnCount]`, as for token embeddings.
    public func dequantize(_ w: WeightMatrix, rows: [Int], into y: inout [Float]) {
        for row in rows {
            precondition(row >= 0 && row < w.rowCount, "no row \(row) among \(w.rowCount)")
        }
        y.resize(to: rows.count * w.columnCount, filler: 0)
        dequantize(w, rows: rows, into: &y, at: 0)
    }

    private func dequantize(_ w: WeightMatrix, rows: [Int], into y: inout [Float], at start: Int) {
        precondition(Self.supports(w.type), "\(w.type.name) cannot be dequantised")
        unsafe y.withUnsafeMutableBufferPointer { y in
            guard let first = y.baseAddress else { return }
            for (index, row) in rows.enumerated() {
                unsafe w.withRows(from: row) { bytes in
                    let target = unsafe first + index * w.columnCount
                    unsafe table.dequantize(target, bytes, w.columnCount, w.type.rawValue)
                }
            }
        }
    }
}
