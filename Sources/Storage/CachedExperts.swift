import GGUF
public import Model
import Tensors

/// The experts of a model that are in a cache, as a source to load from.
public struct CachedExperts: ExpertSource {
    public let layout: ExpertLayout
    private let cache: ExpertCache

    public init(_ cache: ExpertCache, layout: ExpertLayout) {
        self.cache = cache
        self.layout = layout
    }

    public var path: String { cache.path }

    /// Not worth the trouble: an expert's file is read from end to end.
    public func announce(_ id: ExpertID) {}

    public func open(_ id: ExpertID, digest: ExpertDigest?) throws(ModelError) -> any StoredExpert {
        guard let digest, let shapes = layout.storedShapes(of: id) else {
            throw .unknownExpert(id, path: path)
        }
        let size = shapes.reduce(0) { $0 + $1.byteCount(in: .rows) }
        let file: ReadableFile?
        do throws(ExpertCacheError) {
            file = try cache.open(digest)
        } catch {
            throw .differs("\(id) cannot be read from the cache: \(error)")
        }
        guard let file else { throw .absentExpert(id, path: path) }
        guard file.byteCount == size else {
            throw .differs("\(file.path) has \(file.byteCount) bytes, not \(size)")
        }
        return ExpertInCache(file: file, shapes: shapes)
    }
}

private struct ExpertInCache: StoredExpert {
    let file: ReadableFile
    let shapes: [MatrixShape]

    func read(
        _ matrix: Int,
        rows: Range<Int>,
        _ body: (_ rows: Range<Int>, _ weights: RawSpan) throws(ModelError) -> Void
    ) throws(ModelError) {
        let shape = shapes[matrix]
        let start = shapes[..<matrix].reduce(0) { $0 + $1.byteCount(in: .rows) }
        try shape.readPieces(
            of: rows,
            fill: { offset, span throws(ModelError) in
                do throws(FileError) {
                    try file.read(at: start + offset, into: &span)
                } catch {
                    throw .file(GGUFError(path: file.path, problem: .file(error)))
                }
                guard let place = shape.type.firstNotFinite(in: span.bytes) else { return }
                throw .notFinite(
                    tensor: "matrix \(matrix)",
                    fileOffset: start + offset + place,
                    path: file.path
                )
            },
            to: body
        )
    }
}
