internal import Glibc

/// A file that grows at its end, in one process at a time, and may go on growing in the next one.
///
/// For what arrives bit by bit and would be a loss to begin anew. Dropped, it stays as far as it
/// came; `finish` gives it another name at once. Nothing is made durable: whoever reads it after a
/// crash must be able to tell whether it is whole.
public final class GrowingFile {
    public let path: String
    /// Bytes in it, those of earlier processes too.
    public private(set) var byteCount: Int
    private let descriptor: Int32

    /// Opens the file, making it where it is missing.
    ///
    /// - Returns: nil where another process has it, or took it away meanwhile.
    /// - Throws: `FileError.system` too, with `ELOOP`, where the name is a symbolic link.
    public init?(path: String) throws(FileError) {
        guard !path.utf8.contains(0) else { throw .nulInPath(path) }
        // O_NONBLOCK: opening a pipe would otherwise wait for its other end.
        let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
        let descriptor = retryingInterrupts { unsafe open(path, flags, 0o600) }
        guard descriptor >= 0 else { throw .system(operation: "open", path: path, code: errno) }
        do throws(FileError) {
            guard try Self.take(descriptor, path: path) else {
                close(descriptor)
                return nil
            }
            byteCount = try Self.size(of: descriptor, path: path)
        } catch {
            close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        // A process that is just being started may have a copy of the descriptor for a moment.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// Reads what is there at `offset`.
    ///
    /// - Precondition: `span` ends within `byteCount`.
    public func read(at offset: Int, into span: inout MutableRawSpan) throws(FileError) {
        precondition(offset >= 0 && offset + span.byteCount <= byteCount, "\(path) at \(offset)")
        let code = unsafe span.withUnsafeMutableBytes { memory -> Int32? in
            var done = 0
            while done < memory.count {
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[done...])
                let count = retryingInterrupts {
                    unsafe pread(descriptor, rest.baseAddress, rest.count, offset + done)
                }
                // It is ours alone, so it does not shrink but by a damaged disk.
                guard count > 0 else { return count < 0 ? errno : EIO }
                done += count
            }
            return nil
        }
        if let code { throw .system(operation: "read", path: path, code: code) }
    }

    /// Adds bytes at the end, all of them or, where the disk is full, none.
    public func append(_ bytes: RawSpan) throws(FileError) {
        let code = unsafe bytes.withUnsafeBytes { memory -> Int32? in
            var done = 0
            while done < memory.count {
                let rest = unsafe UnsafeRawBufferPointer(rebasing: memory[done...])
                let count = retryingInterrupts {
                    unsafe pwrite(descriptor, rest.baseAddress, rest.count, byteCount + done)
                }
                guard count >= 0 else { return errno }
                done += count
            }
            return nil
        }
        if let code {
            _ = ftruncate(descriptor, byteCount)
            throw .system(operation: "write", path: path, code: code)
        }
        byteCount += bytes.byteCount
    }

    public func append(_ bytes: [UInt8]) throws(FileError) {
        let span = bytes.span
        try append(unsafe span.bytes)
    }

    /// Forgets what is there.
    public func removeAll() throws(FileError) {
        guard ftruncate(descriptor, 0) == 0 else {
            throw .system(operation: "empty", path: path, code: errno)
        }
        byteCount = 0
    }

    /// Gives the file its final name, in place of whatever has it.
    public func finish(as name: String) throws(FileError) {
        guard !name.utf8.contains(0) else { throw .nulInPath(name) }
        guard unsafe rename(path, name) == 0 else {
            throw .system(operation: "rename \(path) to it", path: name, code: errno)
        }
    }

    /// Takes the file out of its directory; nothing happens where it is gone already.
    public func remove() { unsafe unlink(path) }

    /// Locks the file and makes sure that it still has its name.
    ///
    /// Between opening and locking, another process may have finished it and let it go.
    private static func take(_ descriptor: Int32, path: String) throws(FileError) -> Bool {
        guard retryingInterrupts({ flock(descriptor, LOCK_EX | LOCK_NB) }) == 0 else {
            guard errno == EWOULDBLOCK else {
                throw .system(operation: "lock", path: path, code: errno)
            }
            return false
        }
        var mine = stat()
        var named = stat()
        guard unsafe fstat(descriptor, &mine) == 0 else {
            throw .system(operation: "examine", path: path, code: errno)
        }
        return unsafe lstat(path, &named) == 0 && named.st_ino == mine.st_ino
            && named.st_dev == mine.st_dev
    }

    private static func size(of descriptor: Int32, path: String) throws(FileError) -> Int {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw .system(operation: "examine", path: path, code: errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .notRegular(path: path, kind: "special file")
        }
        return Int(status.st_size)
    }
}
