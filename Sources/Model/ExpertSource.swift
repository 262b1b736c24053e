import GGUF
public import Tensors

/// Where whole experts are read from: a model file, or copies of single experts.
public protocol ExpertSource: Sendable {
    /// Where it is, for people.
    var path: String { get }
    var layout: ExpertLayout { get }

    /// Tells the system that an expert is read soon; one that is not there is passed over.
    func announce(_ id: ExpertID)

    /// An expert that can be read.
    ///
    /// - Parameter digest: what it must hash to, where that is known.
    func open(_ id: ExpertID, digest: ExpertDigest?) throws(ModelError) -> any StoredExpert
}

/// One whole expert, as a model file stores it: gate, up, down.
public protocol StoredExpert {
    /// Reads rows of one of the three matrices piece by piece, in order, and refuses what is no
    /// number.
    func read(
        _ matrix: Int,
        rows: Range<Int>,
        _ body: (_ rows: Range<Int>, _ weights: RawSpan) throws(ModelError) -> Void
    ) throws(ModelError)
}

extension ModelFile: ExpertSource {
    public func open(_ id: ExpertID, digest: ExpertDigest?) throws(ModelError) -> any StoredExpert {
        ExpertInFile(model: self, matrices: try stored(id))
    }
}

private struct ExpertInFile: StoredExpert {
    let model: ModelFile
    let matrices: [StoredMatrix]

    func read(
        _ matrix: Int,
        rows: Range<Int>,
        _ body: (_ rows: Range<Int>, _ weights: RawSpan) throws(ModelError) -> Void
    ) throws(ModelError) {
        try model.read(matrices[matrix], rows: rows, body)
    }
}

extension MatrixShape {
    /// Reads rows of a stored matrix piece by piece, in order.
    ///
    /// A piece is small enough to be still in the processor's cache when `body` has it.
    ///
    /// - Parameter fill: reads from so many bytes behind the matrix's first row.
    public func readPieces(
        of rows: Range<Int>,
        fill: (_ offset: Int, _ span: inout MutableRawSpan) throws(ModelError) -> Void,
        to body: (_ rows: Range<Int>, _ weights: RawSpan) throws(ModelError) -> Void
    ) throws(ModelError) {
        let size = rowByteCount
        // Whole panels of 16 rows, as products want them, unless a row is very long.
        let most = max(1, Self.pieceByteCount / max(1, size))
        let length = most < 16 ? most : most / 16 * 16
        var buffer = ReadBuffer(byteCount: min(length, rows.count) * size)
        var first = rows.lowerBound
        while first < rows.upperBound {
            let piece = first..<min(first + length, rows.upperBound)
            try buffer.pass(
                piece.count * size,
                fill: { span throws(ModelError) in try fill(first * size, &span) },
                to: { span throws(ModelError) in try body(piece, span) }
            )
            first = piece.upperBound
        }
    }

    /// Half of what the nearest cache of a core's own holds, or less.
    private static let pieceByteCount = 256 << 10
}

extension ModelFile {
    /// Bytes of a whole expert from `offset` on, as they are hashed: gate, then up, then down.
    ///
    /// - Throws: `unknownExpert` too.
    /// - Precondition: the expert has that many.
    public func expertBytes(
        _ id: ExpertID,
        from offset: Int,
        count: Int
    ) throws(ModelError) -> [UInt8] {
        var bytes: [UInt8] = []
        var start = 0
        for matrix in try stored(id) {
            let end = start + matrix.shape.byteCount(in: .rows)
            let part = max(offset, start)..<max(start, offset, min(offset + count, end))
            if !part.isEmpty {
                let piece = try read(matrix, from: part.lowerBound - start, count: part.count)
                bytes = bytes.isEmpty ? piece : bytes + piece
            }
            start = end
        }
        precondition(bytes.count == count, "\(id) has no \(count) bytes at \(offset)")
        return bytes
    }

    private func read(
        _ matrix: StoredMatrix,
        from offset: Int,
        count: Int
    ) throws(ModelError) -> [UInt8] {
        do throws(GGUFError) {
            return try file.bytes(of: matrix.tensor, from: matrix.start + offset, count: count)
        } catch {
            throw .file(error)
        }
    }
}
