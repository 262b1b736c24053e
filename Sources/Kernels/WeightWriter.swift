import CKernels
public import Tensors

/// Puts rows of weights, as a file has them, where products want them.
///
/// May be used from several threads at once, for different rows.
@safe public struct WeightWriter: Sendable {
    nonisolated(unsafe) fileprivate let start: UnsafeMutablePointer<UInt8>
    fileprivate let places: [Place]

    /// Where a matrix goes.
    fileprivate struct Place: Sendable {
        let shape: MatrixShape
        let layout: WeightMatrix.Layout
        let offset: Int
    }

    /// Writes whole rows of a matrix.
    ///
    /// - Parameter weights: the rows' bytes, one row after the other.
    public func write(_ rows: Range<Int>, of matrix: Int, _ weights: RawSpan) {
        let place = places[matrix]
        let size = place.shape.rowByteCount
        precondition(rows.lowerBound >= 0 && rows.upperBound <= place.shape.rowCount)
        precondition(weights.byteCount == rows.count * size, "\(rows.count) rows of \(size) bytes")
        unsafe weights.withUnsafeBytes { weights in
            guard let bytes = weights.baseAddress else { return }
            let source = unsafe bytes.assumingMemoryBound(to: UInt8.self)
            let target = unsafe start + place.offset
            switch place.layout {
            case .rows:
                unsafe (target + rows.lowerBound * size)
                    .update(from: source, count: weights.count)
            case .panels:
                unsafe Self.pack(rows, of: place.shape, from: source, into: target)
            }
        }
    }

    private static func pack(
        _ rows: Range<Int>,
        of shape: MatrixShape,
        from source: UnsafePointer<UInt8>,
        into target: UnsafeMutablePointer<UInt8>
    ) {
        let (size, columns, type) = (shape.rowByteCount, shape.columnCount, shape.type.rawValue)
        let length = WeightMatrix.panelLength
        var row = rows.lowerBound
        while row < rows.upperBound {
            let (panel, place) = row.quotientAndRemainder(dividingBy: length)
            let count = min(length - place, rows.upperBound - row)
            unsafe moiety_pack_rows(
                target + panel * length * size,
                source + (row - rows.lowerBound) * size,
                place,
                count,
                columns,
                type
            )
            row += count
        }
    }
}

extension WeightMatrix {
    /// Matrices in one piece of memory, made from rows as they lie in a file.
    ///
    /// - Parameters:
    ///   - layout: `panels` is for integer weights; float weights keep their rows.
    ///   - shortage: says in the caller's words that memory is missing.
    ///   - fill: writes every row of every matrix.
    public static func make<Failure: Error>(
        _ shapes: [MatrixShape],
        in layout: Layout,
        shortage: (MemoryShortage) -> Failure,
        fill: (WeightWriter) throws(Failure) -> Void
    ) throws(Failure) -> [WeightMatrix] {
        var places: [WeightWriter.Place] = []
        var end = 0
        for shape in shapes {
            let takesPanels = layout == .panels && hasPanels(shape.type)
            let layout = takesPanels ? Layout.panels : .rows
            places.append(WeightWriter.Place(shape: shape, layout: layout, offset: end))
            let byteCount = shape.byteCount(in: layout)
            end = (end + byteCount + alignment - 1) / alignment * alignment
        }
        let bytes = try Bytes(
            count: end,
            shortage: shortage,
            fill: { span throws(Failure) in
                try unsafe span.withUnsafeMutableBytes { memory throws(Failure) in
                    guard let start = memory.baseAddress else { return }
                    let target = unsafe start.assumingMemoryBound(to: UInt8.self)
                    try fill(unsafe WeightWriter(start: target, places: places))
                }
            }
        )
        return places.map { place in
            WeightMatrix(place.shape, layout: place.layout, bytes: bytes, offset: place.offset)
        }
    }

    /// A cache line, so that no load of a whole register crosses one.
    private static let alignment = 64

    /// Whether products want weights of the type in panels.
    static func hasPanels(_ type: ElementType) -> Bool {
        Kernels.supports(type) && !type.isFloat
    }
}
