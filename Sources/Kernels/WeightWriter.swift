import CKernels
public import Tensors

/// Puts rows of weights, as a file has them, where products want them.
///
/// May be used from several threads at once, for different rows.
@safe public struct WeightWriter: Sendable {
    nonisolated(unsafe) fileprivate let start: UnsafeMutablePointer<UInt8>
    fileprivate let places: [MatrixPlaces.Place]

    /// Writes rows of a matrix, or what it takes of them.
    ///
    /// - Parameter weights: the rows' bytes, one row after the other, each with all columns that
    ///   are stored.
    public func write(_ rows: Range<Int>, of matrix: Int, _ weights: RawSpan) {
        let place = places[matrix]
        precondition(rows.lowerBound >= 0 && rows.upperBound <= place.shape.rowCount)
        guard !rows.isEmpty else { return }
        let stride = weights.byteCount / rows.count
        precondition(
            weights.byteCount % rows.count == 0 && stride >= place.shape.storedEnd,
            "\(rows.count) rows of \(place.shape.storedEnd) bytes"
        )
        unsafe weights.withUnsafeBytes { weights in
            guard let bytes = weights.baseAddress else { return }
            let stored = unsafe StoredRows(
                start: (bytes + place.shape.storedStart).assumingMemoryBound(to: UInt8.self),
                stride: stride
            )
            switch place.layout {
            case .rows: unsafe copy(rows, of: place, from: stored)
            case .panels: unsafe pack(rows, of: place, from: stored)
            }
        }
    }

    /// Rows as a file has them, from the first block on that is wanted.
    @unsafe private struct StoredRows {
        let start: UnsafePointer<UInt8>
        let stride: Int
    }

    private func copy(
        _ rows: Range<Int>,
        of place: MatrixPlaces.Place,
        from stored: StoredRows
    ) {
        let size = place.shape.rowByteCount
        let target = unsafe start + place.offset + rows.lowerBound * size
        guard unsafe size < stored.stride else {
            unsafe target.update(from: stored.start, count: rows.count * size)
            return
        }
        for row in 0..<rows.count {
            unsafe (target + row * size)
                .update(from: stored.start + row * stored.stride, count: size)
        }
    }

    private func pack(
        _ rows: Range<Int>,
        of place: MatrixPlaces.Place,
        from stored: StoredRows
    ) {
        guard !place.shape.cutsFirstBlock else {
            unsafe packCut(rows, of: place, from: stored)
            return
        }
        let length = WeightMatrix.panelLength
        var row = rows.lowerBound
        while row < rows.upperBound {
            let count = min(length - row % length, rows.upperBound - row)
            let first = unsafe stored.start + (row - rows.lowerBound) * stored.stride
            unsafe pack(row, count: count, of: place, from: first, stride: stored.stride)
            row += count
        }
    }

    /// Puts adjacent rows of one panel into it.
    private func pack(
        _ row: Int,
        count: Int,
        of place: MatrixPlaces.Place,
        from first: UnsafePointer<UInt8>,
        stride: Int
    ) {
        let shape = place.shape
        let (panel, lane) = row.quotientAndRemainder(dividingBy: WeightMatrix.panelLength)
        unsafe moiety_pack_rows(
            start + place.offset + panel * WeightMatrix.panelLength * shape.rowByteCount,
            first,
            stride,
            lane,
            count,
            shape.unitColumns,
            shape.type.rawValue
        )
    }

    /// Packs rows one by one, whose first block is copied so that what is left of it comes first.
    private func packCut(
        _ rows: Range<Int>,
        of place: MatrixPlaces.Place,
        from stored: StoredRows
    ) {
        let shape = place.shape
        let first = shape.type.blockByteCount
        let size = shape.blocks.count * first
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: size) { buffer in
            guard let copy = buffer.baseAddress else { return }
            for row in rows {
                let source = unsafe stored.start + (row - rows.lowerBound) * stored.stride
                unsafe moiety_cut_block(copy, source, shape.firstPart, shape.type.rawValue)
                unsafe (copy + first).update(from: source + first, count: size - first)
                unsafe pack(row, count: 1, of: place, from: copy, stride: size)
            }
        }
    }
}

extension MatrixShape {
    /// Where in a stored row the first block that is wanted starts, and the last one ends.
    fileprivate var storedStart: Int { blocks.lowerBound * type.blockByteCount }
    fileprivate var storedEnd: Int { blocks.upperBound * type.blockByteCount }

    /// Parts of 32 columns that the first block lacks.
    fileprivate var firstPart: Int { columns.lowerBound % type.blockLength / 32 }
    fileprivate var cutsFirstBlock: Bool { columns.lowerBound % type.blockLength != 0 }
}

/// Where matrices lie in one piece of memory, each in the layout that products want.
///
/// The same on every machine, so that what is packed by one may be read by another: panels do not
/// depend on the instruction set.
public struct MatrixPlaces: Sendable {
    fileprivate let places: [Place]
    /// Bytes that all of them take.
    public let byteCount: Int

    fileprivate struct Place: Sendable {
        let shape: MatrixShape
        let layout: WeightMatrix.Layout
        let offset: Int
    }

    /// - Parameter layout: `panels` is for integer weights; float weights keep their rows.
    public init(_ shapes: [MatrixShape], in layout: WeightMatrix.Layout) {
        var places: [Place] = []
        var end = 0
        for shape in shapes {
            let takesPanels = layout == .panels && WeightMatrix.hasPanels(shape.type)
            let layout = takesPanels ? WeightMatrix.Layout.panels : .rows
            places.append(Place(shape: shape, layout: layout, offset: end))
            let size = shape.byteCount(in: layout)
            end = (end + size + Self.alignment - 1) / Self.alignment * Self.alignment
        }
        self.places = places
        byteCount = end
    }

    /// One of the matrices, where `bytes` hold them all.
    ///
    /// - Precondition: there are as many bytes.
    public func matrix(_ index: Int, in bytes: Bytes) -> WeightMatrix {
        let place = places[index]
        return WeightMatrix(place.shape, layout: place.layout, bytes: bytes, offset: place.offset)
    }

    /// Lends a writer of all rows of all matrices into `span`.
    ///
    /// - Precondition: the span has room for them.
    public func write<Failure: Error>(
        into span: inout MutableRawSpan,
        _ fill: (WeightWriter) throws(Failure) -> Void
    ) throws(Failure) {
        precondition(span.byteCount >= byteCount, "\(span.byteCount) bytes for \(byteCount)")
        try unsafe span.withUnsafeMutableBytes { memory throws(Failure) in
            guard let start = memory.baseAddress else { return }
            let target = unsafe start.assumingMemoryBound(to: UInt8.self)
            try fill(unsafe WeightWriter(start: target, places: places))
        }
    }

    /// A cache line, so that no load of a whole register crosses one.
    private static let alignment = 64
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
        let places = MatrixPlaces(shapes, in: layout)
        let bytes = try Bytes(
            count: places.byteCount,
            shortage: shortage,
            fill: { span throws(Failure) in try places.write(into: &span, fill) }
        )
        return shapes.indices.map { places.matrix($0, in: bytes) }
    }

    /// Whether products want weights of the type in panels.
    static func hasPanels(_ type: ElementType) -> Bool {
        Kernels.supports(type) && !type.isFloat
    }
}
