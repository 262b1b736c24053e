import CKernels
public import Tensors

extension Kernels {
    /// Row `row` of the matrix as f32; `y` is resized to `w.columnCount` values.
    public func dequantize(_ w: WeightMatrix, row: Int, into y: inout [Float]) {
        precondition(row >= 0 && row < w.rowCount, "no row \(row) among \(w.rowCount)")
        y.resize(to: w.columnCount, filler: 0)
        write(w, CollectionOfOne(row), to: &y)
    }

    /// Several rows of the matrix as f32: `[rows.count, w.columnCount]`, as for token embeddings.
    public func dequantize(_ w: WeightMatrix, rows: [Int], into y: inout [Float]) {
        for row in rows {
            precondition(row >= 0 && row < w.rowCount, "no row \(row) among \(w.rowCount)")
        }
        y.resize(to: rows.count * w.columnCount, filler: 0)
        write(w, rows, to: &y)
    }

    private func write(_ w: WeightMatrix, _ rows: some Collection<Int>, to y: inout [Float]) {
        precondition(Self.supports(w.type), "\(w.type.name) cannot be dequantised")
        exclusively {
            let size = w.type.blockByteCount
            let bytes = unsafe scratch.row.pointer(count: w.shape.blocks.count * size)
            // A cut block does not fill its place, so what follows it is taken from the next one.
            let head = w.shape.headLength < w.columnCount ? w.shape.headLength : 0
            let part = head % w.type.blockLength == 0 ? 0 : head
            unsafe y.withUnsafeMutableBufferPointer { y in
                guard let first = y.baseAddress else { return }
                for (index, row) in rows.enumerated() {
                    let target = unsafe first + index * w.columnCount
                    unsafe w.copyRow(row, to: bytes)
                    unsafe table.dequantize(target, bytes, part, w.type.rawValue)
                    unsafe table.dequantize(
                        target + part,
                        bytes + (part > 0 ? size : 0),
                        w.columnCount - part,
                        w.type.rawValue
                    )
                }
            }
        }
    }
}
