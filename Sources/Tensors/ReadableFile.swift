internal import Glibc

/// Which file it is, and in which state: equal identities mean that nothing changed in between.
public struct FileIdentity: Hashable, Sendable {
    public let device: UInt64
    public let inode: UInt64
    public let byteCount: Int
    /// Time of the last change: seconds since 1970, and nanoseconds of that second.
    public let modifiedSeconds: Int64
    public let modifiedNanoseconds: Int64
    /// The same of the last change of the content, the name or the rights; unlike the one above
    /// nobody can set it back, as tools do that copy a file with its times.
    public let changedSeconds: Int64
    public let changedNanoseconds: Int64

    /// Whether the content is the same, for who has had the file open since then: it may have got
    /// another name meanwhile, or none.
    public func hasContent(of other: FileIdentity) -> Bool {
        (device, inode, byteCount) == (other.device, other.inode, other.byteCount)
            && modifiedSeconds == other.modifiedSeconds
            && modifiedNanoseconds == other.modifiedNanoseconds
    }

    /// One word that tells it from others.
    public var text: String {
        "\(device):\(inode):\(byteCount):\(modifiedSeconds).\(modifiedNanoseconds)"
            + ":\(changedSeconds).\(changedNanoseconds)"
    }
}

/// A regular file, open for reading at any offset, from any thread.
///
/// Reads copy: memory mapped from a file turns into a crash when the file shrinks, a read does not.
public final class ReadableFile: Sendable {
    public let path: String
    /// As it was when the file was opened.
    public let identity: FileIdentity
    public var byteCount: Int { identity.byteCount }
    private let descriptor: Int32

    /// Opens the file at `path`; never waits, whatever the path names.
    public init(path: String) throws(FileError) {
        guard !path.utf8.contains(0) else { throw .nulInPath(path) }
        // O_NONBLOCK: opening a pipe without a writer would otherwise wait for one.
        let descriptor = retryingInterrupts {
            unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        }
        guard descriptor >= 0 else {
            throw .system(operation: "open", path: path, code: errno)
        }
        do {
            identity = try Self.identify(descriptor, path: path)
        } catch {
            close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// The identity the open file has now.
    public func currentIdentity() throws(FileError) -> FileIdentity {
        try Self.identify(descriptor, path: path)
    }

    /// Makes the present the time of its last change, where that is allowed.
    ///
    /// For caches, which look there for what was used last.
    public func touch() { futimens(descriptor, nil) }

    /// Reads `count` bytes at `offset` into memory of their own.
    public func read(at offset: Int, count: Int) throws(FileError) -> Bytes {
        // Checked before allocating: the count may come from a damaged header.
        try checkInside(offset: offset, count: count)
        return try Bytes(
            count: count,
            shortage: { .tooLittleMemory(path: path, $0) },
            fill: { (span: inout MutableRawSpan) throws(FileError) in
                try read(at: offset, into: &span)
            }
        )
    }

    /// Fills `span` with the bytes at `offset`.
    public func read(at offset: Int, into span: inout MutableRawSpan) throws(FileError) {
        try checkInside(offset: offset, count: span.byteCount)
        let done = unsafe span.withUnsafeMutableBytes {
            unsafe fill($0, from: descriptor, at: offset)
        }
        if let code = done.code {
            throw .system(operation: "read", path: path, code: code)
        }
        if done.count < span.byteCount {
            // Where reading stopped says little if it began behind the new end.
            let end = min(offset + done.count, try currentIdentity().byteCount)
            throw .shrank(path: path, byteCount: end, expected: byteCount)
        }
    }

    /// Fills `buffer` with the bytes at `offset`.
    public func read(at offset: Int, into buffer: inout [UInt8]) throws(FileError) {
        var elements = buffer.mutableSpan
        var bytes = unsafe elements.mutableBytes
        try read(at: offset, into: &bytes)
    }

    /// Tells the system that bytes are read soon, so that a disk fetches them meanwhile.
    ///
    /// Without it a disk is asked for a little at a time, and waits in between.
    public func announce(at offset: Int, count: Int) {
        // Advice: whether it is taken changes only the time that reading takes.
        _ = posix_fadvise(descriptor, offset, count, POSIX_FADV_WILLNEED)
    }

    private func checkInside(offset: Int, count: Int) throws(FileError) {
        guard offset >= 0, count >= 0, offset <= byteCount, count <= byteCount - offset else {
            throw .outside(path: path, offset: offset, count: count, byteCount: byteCount)
        }
    }

    private static func identify(
        _ descriptor: Int32,
        path: String
    ) throws(FileError) -> FileIdentity {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw .system(operation: "examine", path: path, code: errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .notRegular(path: path, kind: kind(ofMode: status.st_mode))
        }
        return FileIdentity(
            device: UInt64(status.st_dev),
            inode: UInt64(status.st_ino),
            byteCount: Int(status.st_size),
            modifiedSeconds: Int64(status.st_mtim.tv_sec),
            modifiedNanoseconds: Int64(status.st_mtim.tv_nsec),
            changedSeconds: Int64(status.st_ctim.tv_sec),
            changedNanoseconds: Int64(status.st_ctim.tv_nsec)
        )
    }

    private static func kind(ofMode mode: mode_t) -> String {
        switch mode & S_IFMT {
        case S_IFDIR: "directory"
        case S_IFIFO: "pipe"
        case S_IFSOCK: "socket"
        case S_IFBLK, S_IFCHR: "device"
        default: "special file"
        }
    }
}

/// Reads until `memory` is full, the file ends or a call fails.
///
/// - Returns: the bytes read, and the number of the error that ended it.
func fill(
    _ memory: UnsafeMutableRawBufferPointer,
    from descriptor: Int32,
    at offset: Int
) -> (count: Int, code: Int32?) {
    var done = 0
    while done < memory.count {
        let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[done...])
        let count = retryingInterrupts {
            unsafe pread(descriptor, rest.baseAddress, rest.count, offset + done)
        }
        if count < 0 { return (done, errno) }
        if count == 0 { break }
        done += count
    }
    return (done, nil)
}

/// Repeats a system call that a signal interrupted.
func retryingInterrupts<Count: SignedInteger>(_ call: () -> Count) -> Count {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}
