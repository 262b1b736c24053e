internal import CLinux
internal import Glibc

/// A regular file that is read past the system's own memory for files, from any thread.
///
/// What is read goes from the disk straight to where it is wanted, and leaves nothing behind. Where
/// a file system cannot do that, what was read is given up at once instead.
public final class DirectFile: Sendable {
    public let path: String
    public let byteCount: Int
    /// Whether reads pass the system's memory by.
    public let isDirect: Bool
    private let descriptor: Int32

    /// Offsets, counts and addresses are multiples of this.
    public static let alignment = Bytes.alignment

    /// Opens the file, and shows others that it is in use.
    public init(path: String) throws(FileError) {
        guard !path.utf8.contains(0) else { throw .nulInPath(path) }
        var direct: Int32 = 0
        let descriptor = unsafe moiety_open_direct(path, &direct)
        guard descriptor >= 0 else {
            throw .system(operation: "open", path: path, code: -descriptor)
        }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            let code = errno
            close(descriptor)
            throw .system(operation: "examine", path: path, code: code)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .notRegular(path: path, kind: "special file")
        }
        Self.show(descriptor)
        self.path = path
        self.descriptor = descriptor
        byteCount = Int(status.st_size)
        isDirect = direct != 0
    }

    deinit { close(descriptor) }

    /// Locks the file together with all who read it.
    ///
    /// Only those look at the lock who make room; where locks are unknown they see the file as
    /// unused. Who looks has the lock to himself for a moment, so it is tried again.
    private static func show(_ descriptor: Int32) {
        for _ in 0..<lockTries {
            guard flock(descriptor, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK else { return }
            usleep(lockPauseMicroseconds)
        }
    }

    private static let lockTries = 100
    private static let lockPauseMicroseconds: UInt32 = 1000

    /// Makes the present the time of its last change, where that is allowed.
    public func touch() { futimens(descriptor, nil) }

    /// Whether some process has the file open in this way.
    public static func isInUse(_ path: String) throws(FileError) -> Bool {
        guard !path.utf8.contains(0) else { throw .nulInPath(path) }
        let flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
        let descriptor = retryingInterrupts { unsafe open(path, flags) }
        guard descriptor >= 0 else { throw .system(operation: "open", path: path, code: errno) }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_EX | LOCK_NB) != 0
    }

    /// Fills `span` with the bytes at `offset`.
    ///
    /// - Precondition: offset, count and address are multiples of `alignment`.
    public func read(at offset: Int, into span: inout MutableRawSpan) throws(FileError) {
        let count = span.byteCount
        precondition(offset % Self.alignment == 0 && count % Self.alignment == 0)
        guard offset >= 0, offset <= byteCount, count <= byteCount - offset else {
            throw .outside(path: path, offset: offset, count: count, byteCount: byteCount)
        }
        let done = unsafe span.withUnsafeMutableBytes {
            unsafe fill($0, from: descriptor, at: offset)
        }
        if let code = done.code { throw .system(operation: "read", path: path, code: code) }
        if done.count < count {
            throw .shrank(path: path, byteCount: offset + done.count, expected: byteCount)
        }
        guard !isDirect else { return }
        // Nobody reads it from there again; whether the system lets go of it changes no bit.
        _ = posix_fadvise(descriptor, offset, count, POSIX_FADV_DONTNEED)
    }
}
