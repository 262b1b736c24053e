import Tensors

/// Where a tensor's source puts its bytes.
public struct GGUFSink {
    private let output: Output
    private let tensor: String
    private let byteCount: Int
    private var written = 0

    init(output: Output, tensor: String, byteCount: Int) {
        self.output = output
        self.tensor = tensor
        self.byteCount = byteCount
    }

    public mutating func append(_ bytes: RawSpan) throws(GGUFError) {
        try count(bytes.byteCount)
        try output.append(bytes)
    }

    public mutating func append(_ bytes: [UInt8]) throws(GGUFError) {
        try count(bytes.count)
        try output.append(bytes)
    }

    /// Appends f32 values.
    public mutating func append(_ values: [Float]) throws(GGUFError) {
        try count(values.count * MemoryLayout<Float>.size)
        try output.append(values)
    }

    /// Refuses what is too much before it reaches the disk.
    private mutating func count(_ more: Int) throws(GGUFError) {
        written += more
        if written > byteCount { throw wrongSize }
    }

    /// Refuses what is too little once the source is done.
    func finish() throws(GGUFError) {
        guard written == byteCount else { throw wrongSize }
    }

    private var wrongSize: GGUFError {
        GGUFError(
            path: output.path,
            subject: .tensor(tensor),
            problem: .wrongDataSize(written: written, expected: byteCount)
        )
    }
}

/// The file being written, with errors of this module.
struct Output {
    let path: String
    private let file: AtomicFile

    init(path: String) throws(GGUFError) {
        self.path = path
        do {
            file = try AtomicFile(path: path)
        } catch {
            throw GGUFError(path: path, problem: .file(error))
        }
    }

    func append(_ bytes: RawSpan) throws(GGUFError) {
        do { try file.append(bytes) } catch { throw failure(error) }
    }

    func append(_ bytes: [UInt8]) throws(GGUFError) {
        do { try file.append(bytes) } catch { throw failure(error) }
    }

    func append(_ values: [Float]) throws(GGUFError) {
        do { try file.append(values) } catch { throw failure(error) }
    }

    /// Appends zeros up to the next multiple of `alignment`.
    func pad(to alignment: Int) throws(GGUFError) {
        let count = GGUFFile.roundUp(file.byteCount, to: alignment) - file.byteCount
        if count > 0 { try append([UInt8](repeating: 0, count: count)) }
    }

    func commit() throws(GGUFError) {
        do { try file.commit() } catch { throw failure(error) }
    }

    private func failure(_ error: FileError) -> GGUFError {
        GGUFError(path: path, problem: .file(error))
    }
}
