import CKernels
public import Tensors

/// Weights in the layout that products want.
extension WeightMatrix {
    /// Copies of matrices, in one piece of memory, with integer weights in panels.
    ///
    /// What needs no change is returned as it is.
    public static func inPanels(_ matrices: [WeightMatrix]) -> [WeightMatrix] {
        guard matrices.contains(where: \.wantsPanels) else { return matrices }
        var offsets: [Int] = []
        var end = 0
        for matrix in matrices {
            offsets.append(end)
            end = (end + matrix.packedByteCount + alignment - 1) / alignment * alignment
        }
        let bytes = Bytes(weightByteCount: end) { span in
            for (matrix, offset) in zip(matrices, offsets) {
                span.withPart(offset..<offset + matrix.packedByteCount) { matrix.pack(into: &$0) }
            }
        }
        return zip(matrices, offsets).map { matrix, offset in
            WeightMatrix(
                type: matrix.type,
                rowCount: matrix.rowCount,
                columnCount: matrix.columnCount,
                layout: matrix.wantsPanels ? .panels : matrix.layout,
                bytes: bytes,
                offset: offset
            )
        }
    }

    /// A copy with integer weights in panels, or the matrix itself where nothing changes.
    public func inPanels() -> WeightMatrix {
        wantsPanels ? Self.inPanels([self])[0] : self
    }

    /// A cache line, so that no load of a whole register crosses one.
    private static let alignment = 64

    private var wantsPanels: Bool {
        layout == .rows && Kernels.supports(type) && !type.isFloat
    }

    private var packedByteCount: Int {
        wantsPanels ? panelCount * Self.panelLength * rowByteCount : byteCount
    }

    private func pack(into span: inout MutableRawSpan) {
        unsafe span.withUnsafeMutableBytes { target in
            guard let target = target.baseAddress else { return }
            unsafe withRows(from: 0) { rows in
                guard wantsPanels else {
                    return unsafe target.copyMemory(from: rows, byteCount: byteCount)
                }
                for row in 0..<rowCount {
                    let (panel, place) = row.quotientAndRemainder(dividingBy: Self.panelLength)
                    let start = unsafe target + panel * Self.panelLength * rowByteCount
                    unsafe moiety_pack_row(
                        start.assumingMemoryBound(to: UInt8.self),
                        rows + row * rowByteCount,
                        place,
                        columnCount,
                        type.rawValue
                    )
                }
            }
        }
    }

    /// Writes the `rowByteCount` bytes of a row, as they lie in the file.
    func copyRow(_ row: Int, to target: UnsafeMutablePointer<UInt8>) {
        unsafe withBytes { start in
            switch layout {
            case .rows:
                unsafe target.update(from: start + row * rowByteCount, count: rowByteCount)
            case .panels:
                let (panel, place) = row.quotientAndRemainder(dividingBy: Self.panelLength)
                unsafe moiety_unpack_row(
                    target,
                    start + panel * Self.panelLength * rowByteCount,
                    place,
                    columnCount,
                    type.rawValue
                )
            }
        }
    }

    /// Lends the bytes from the start of row `row` on.
    func withRows(from row: Int, _ body: (UnsafePointer<UInt8>) -> Void) {
        precondition(layout == .rows, "the rows of \(type.name) weights lie in panels")
        unsafe withBytes { start in unsafe body(start + row * rowByteCount) }
    }

    /// Lends the bytes from the start of the panel on whose first row is `row`.
    func withPanels(from row: Int, _ body: (UnsafePointer<UInt8>) -> Void) {
        precondition(layout == .panels, "the rows of \(type.name) weights lie one after the other")
        precondition(row % Self.panelLength == 0, "no panel starts at row \(row)")
        unsafe withBytes { start in unsafe body(start + row * rowByteCount) }
    }

    private func withBytes(_ body: (UnsafePointer<UInt8>) -> Void) {
        bytes.withSpan { span in
            unsafe span.withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress else { return }
                unsafe body((start + offset).assumingMemoryBound(to: UInt8.self))
            }
        }
    }
}
