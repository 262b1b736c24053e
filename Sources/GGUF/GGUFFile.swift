public import Tensors

/// A model file, or the several files of one model, open for reading.
///
/// Opening reads and checks everything but the tensors' data. Reading is safe from any thread.
public final class GGUFFile: Sendable {
    /// One of the model's files.
    public struct Part: Sendable {
        public let path: String
        public let identity: FileIdentity
        /// Bytes before the first tensor's data.
        public let headerByteCount: Int
        let file: ReadableFile
    }

    /// As it was given to `open`.
    public let path: String
    /// The version of the format, 2 or 3.
    public let version: Int
    public let metadata: GGUFMetadata
    /// In the order of the file.
    public let tensors: [TensorInfo]
    public let parts: [Part]
    private let tensorIndices: [String: Int]

    /// Far more than any memory or disk asks for.
    public static let maximumAlignment = 1 << 20
    static let defaultAlignment = 32

    /// Opens a model by the path of its only or first file.
    public static func open(path: String) throws(GGUFError) -> GGUFFile {
        let headers = try SplitReader.readHeaders(firstPath: path)
        return try GGUFFile(path: path, headers: headers)
    }

    private init(path: String, headers: [PartHeader]) throws(GGUFError) {
        var tensors: [TensorInfo] = []
        var tensorIndices: [String: Int] = [:]
        for header in headers {
            for tensor in header.tensors {
                guard tensorIndices.updateValue(tensors.count, forKey: tensor.name) == nil else {
                    throw GGUFError(
                        path: header.file.path,
                        subject: .tensor(tensor.name),
                        problem: .duplicate
                    )
                }
                tensors.append(tensor)
            }
        }
        self.path = path
        version = headers[0].version
        metadata = headers[0].metadata
        self.tensors = tensors
        self.tensorIndices = tensorIndices
        parts = headers.map { header in
            Part(
                path: header.file.path,
                identity: header.file.identity,
                headerByteCount: header.byteCount,
                file: header.file
            )
        }
    }

    /// Bytes of all parts together.
    public var byteCount: Int { parts.reduce(0) { $0 &+ $1.identity.byteCount } }

    /// Whether no part has changed since it was opened, as far as sizes and times tell.
    public var isUnchanged: Bool {
        parts.allSatisfy { part in
            do throws(FileError) {
                return try part.file.currentIdentity().hasContent(of: part.identity)
            } catch {
                return false
            }
        }
    }

    /// The tensor of that name, or nil.
    public func tensor(_ name: String) -> TensorInfo? {
        tensorIndices[name].map { tensors[$0] }
    }

    /// Reads all of a tensor's data.
    public func read(_ tensor: TensorInfo) throws(GGUFError) -> Bytes {
        try read(tensor, from: 0, count: tensor.byteCount)
    }

    /// Reads `count` bytes of a tensor's data, the first at `start`: one expert's, say.
    public func read(
        _ tensor: TensorInfo,
        from start: Int,
        count: Int
    ) throws(GGUFError) -> Bytes {
        let offset = try offset(of: start, count: count, in: tensor)
        do {
            return try parts[tensor.part].file.read(at: offset, count: count)
        } catch {
            throw failure(error, reading: tensor, at: offset)
        }
    }

    /// Fills `span` with a tensor's data from `start` on.
    public func read(
        _ tensor: TensorInfo,
        from start: Int,
        into span: inout MutableRawSpan
    ) throws(GGUFError) {
        let offset = try offset(of: start, count: span.byteCount, in: tensor)
        do {
            try parts[tensor.part].file.read(at: offset, into: &span)
        } catch {
            throw failure(error, reading: tensor, at: offset)
        }
    }

    /// Copies `count` bytes of a tensor's data, the first at `start`.
    public func bytes(
        of tensor: TensorInfo,
        from start: Int,
        count: Int
    ) throws(GGUFError) -> [UInt8] {
        let offset = try offset(of: start, count: count, in: tensor)
        var bytes = [UInt8](repeating: 0, count: count)
        do {
            try parts[tensor.part].file.read(at: offset, into: &bytes)
        } catch {
            throw failure(error, reading: tensor, at: offset)
        }
        return bytes
    }

    /// Tells the system that a tensor's data from `start` on is read soon.
    public func announce(_ tensor: TensorInfo, from start: Int, count: Int) {
        parts[tensor.part].file.announce(at: tensor.fileOffset + start, count: count)
    }

    /// Hands over a part's header piece by piece, front to back, for hashing.
    public func readHeader(
        ofPart part: Int,
        _ body: (RawSpan) -> Void
    ) throws(GGUFError) {
        let part = parts[part]
        var offset = 0
        while offset < part.headerByteCount {
            let count = min(part.headerByteCount - offset, Self.headerPieceByteCount)
            let piece: Bytes
            do {
                piece = try part.file.read(at: offset, count: count)
            } catch {
                throw GGUFError(path: part.path, offset: offset, problem: .file(error))
            }
            piece.withSpan(body)
            offset += count
        }
    }

    private static let headerPieceByteCount = 1 << 20

    /// Where in its file byte `start` of a tensor lies, if `count` bytes follow.
    private func offset(
        of start: Int,
        count: Int,
        in tensor: TensorInfo
    ) throws(GGUFError) -> Int {
        guard
            start >= 0, count >= 0,
            start <= tensor.byteCount, count <= tensor.byteCount - start
        else {
            throw GGUFError(
                path: parts[tensor.part].path,
                subject: .tensor(tensor.name),
                problem: .outsideTensor(from: start, count: count, byteCount: tensor.byteCount)
            )
        }
        return tensor.fileOffset + start
    }

    private func failure(
        _ error: FileError,
        reading tensor: TensorInfo,
        at offset: Int
    ) -> GGUFError {
        GGUFError(
            path: parts[tensor.part].path,
            subject: .tensor(tensor.name),
            offset: offset,
            problem: .file(error)
        )
    }
}
