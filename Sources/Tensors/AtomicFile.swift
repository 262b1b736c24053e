internal import Glibc

/// A file being written that appears under its name only when it is complete.
///
/// Bytes go to a temporary file in the same directory; `commit` makes them durable and renames.
/// Dropped before that, it leaves nothing behind, and a file of that name stays as it was.
public final class AtomicFile {
    public let path: String
    /// Bytes appended so far.
    public private(set) var byteCount = 0
    private let temporaryPath: String
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var isCommitted = false

    /// Bytes gathered before they are handed to the system; larger pieces go there directly.
    private static let bufferByteCount = 1 << 18

    public init(path: String) throws(FileError) {
        guard !path.utf8.contains(0) else { throw .nulInPath(path) }
        // Random, so that two writers of one path never share a temporary file.
        let suffix = String(UInt64.random(in: 0...UInt64.max), radix: 16)
        let temporaryPath = "\(path).part-\(suffix)"
        let descriptor = retryingInterrupts {
            unsafe open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        }
        guard descriptor >= 0 else {
            throw .system(operation: "create", path: temporaryPath, code: errno)
        }
        self.path = path
        self.temporaryPath = temporaryPath
        self.descriptor = descriptor
        buffer.reserveCapacity(Self.bufferByteCount)
    }

    deinit {
        close(descriptor)
        if !isCommitted { unsafe unlink(temporaryPath) }
    }

    public func append(_ bytes: RawSpan) throws(FileError) {
        if buffer.count + bytes.byteCount > Self.bufferByteCount { try flush() }
        byteCount += bytes.byteCount
        if bytes.byteCount > Self.bufferByteCount {
            try check(unsafe bytes.withUnsafeBytes { unsafe write($0) })
        } else {
            unsafe bytes.withUnsafeBytes { unsafe buffer.append(contentsOf: $0) }
        }
    }

    public func append(_ bytes: [UInt8]) throws(FileError) {
        let span = bytes.span
        try append(unsafe span.bytes)
    }

    /// Appends little-endian f32.
    public func append(_ values: [Float]) throws(FileError) {
        let span = values.span
        try append(unsafe span.bytes)
    }

    /// Makes the file durable and gives it its name; nothing may be appended afterwards.
    public func commit() throws(FileError) {
        precondition(!isCommitted, "\(path) was already committed")
        try flush()
        guard retryingInterrupts({ fsync(descriptor) }) == 0 else {
            throw .system(operation: "write", path: temporaryPath, code: errno)
        }
        guard unsafe rename(temporaryPath, path) == 0 else {
            throw .system(operation: "rename \(temporaryPath) to it", path: path, code: errno)
        }
        isCommitted = true
        try syncDirectory()
    }

    private func flush() throws(FileError) {
        try check(unsafe buffer.withUnsafeBytes { unsafe write($0) })
        buffer.removeAll(keepingCapacity: true)
    }

    /// Writes all of `memory`; the errno of a failure, or nil.
    private func write(_ memory: UnsafeRawBufferPointer) -> Int32? {
        var done = 0
        while done < memory.count {
            let rest = unsafe UnsafeRawBufferPointer(rebasing: memory[done...])
            let count = retryingInterrupts {
                unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
            }
            if count < 0 { return errno }
            done += count
        }
        return nil
    }

    private func check(_ code: Int32?) throws(FileError) {
        guard let code else { return }
        throw .system(operation: "write", path: temporaryPath, code: code)
    }

    /// The new name itself survives a power cut only once its directory is written.
    private func syncDirectory() throws(FileError) {
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let handle = retryingInterrupts {
            unsafe open(directory, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        }
        guard handle >= 0 else {
            throw .system(operation: "open", path: directory, code: errno)
        }
        defer { close(handle) }
        // Some file systems cannot sync a directory and say EINVAL: there is nothing more to do.
        guard retryingInterrupts({ fsync(handle) }) == 0 || errno == EINVAL else {
            throw .system(operation: "sync", path: directory, code: errno)
        }
    }
}
