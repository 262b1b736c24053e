import CKernels
public import Tensors

/// Weights in the layout that products want.
extension WeightMatrix {
    /// A copy with integer weights in panels, or the matrix itself where nothing changes.
    public func inPanels() -> WeightMatrix {
        guard layout == .rows, Self.hasPanels(type) else { return self }
        let made = Self.make(
            [shape],
            in: .panels,
            shortage: { preconditionFailure("no memory for \($0.needed) bytes of a copy") },
            fill: { (writer: WeightWriter) throws(Never) in
                bytes.withSpan { span in
                    let rows = span.extracting(offset..<offset + byteCount)
                    writer.write(0..<rowCount, of: 0, rows)
                }
            }
        )
        return made[0]
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
