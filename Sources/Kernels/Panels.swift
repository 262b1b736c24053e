import CKernels
public import Tensors

/// Weights in the layout that products want.
extension WeightMatrix {
    /// A copy with integer weights in panels, or the matrix itself where nothing changes.
    public func inPanels() -> WeightMatrix {
        guard layout == .rows, Self.hasPanels(type) else { return self }
        return slice(rows: 0..<rowCount, columns: 0..<columnCount)
    }

    /// A copy of some rows and columns, integer weights in panels.
    ///
    /// - Precondition: the matrix has its rows as in the file, and `MatrixShape` allows the slice.
    public func slice(rows: Range<Int>, columns: Range<Int>) -> WeightMatrix {
        precondition(layout == .rows && shape.columns.lowerBound == 0, "not as in the file")
        let made = Self.make(
            [MatrixShape(type: type, rowCount: rows.count, columns: columns)],
            in: .panels,
            shortage: { preconditionFailure("no memory for \($0.needed) bytes of a copy") },
            fill: { (writer: WeightWriter) throws(Never) in
                bytes.withSpan { span in
                    let start = offset + rows.lowerBound * rowByteCount
                    let end = offset + rows.upperBound * rowByteCount
                    writer.write(0..<rows.count, of: 0, span.extracting(start..<end))
                }
            }
        )
        return made[0]
    }

    /// Writes the whole blocks of a row, as they lie in the file; of those that a slice cuts, what
    /// is left comes first.
    func copyRow(_ row: Int, to target: UnsafeMutablePointer<UInt8>) {
        switch layout {
        case .rows:
            unsafe target.update(from: address + row * rowByteCount, count: rowByteCount)
        case .panels:
            let (panel, place) = row.quotientAndRemainder(dividingBy: Self.panelLength)
            unsafe moiety_unpack_row(
                target,
                address + panel * Self.panelLength * rowByteCount,
                place,
                shape.unitColumns,
                type.rawValue
            )
        }
    }

    /// Where the first row or panel starts; valid as long as the matrix.
    var address: UnsafePointer<UInt8> {
        unsafe bytes.withSpan { span in
            unsafe span.withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress else {
                    preconditionFailure("weights have an address")
                }
                return unsafe (start + offset).assumingMemoryBound(to: UInt8.self)
            }
        }
    }
}

extension MatrixShape {
    /// The columns as the kernels are told of them.
    var unitColumns: moiety_columns { moiety_columns(count: columnCount, head: headLength) }
}
