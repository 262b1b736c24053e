internal import CLinux
internal import Glibc

/// A file that one process at a time can hold.
///
/// The system lets go of it when the holder ends, however it ends. The file itself stays; it holds
/// the number of the process that had it last, for people.
public final class LockFile: Sendable {
    public let path: String
    private let descriptor: Int32

    /// Takes the file, making it where it is missing.
    ///
    /// - Returns: nil where another process has it.
    public init?(path: String) throws(FileError) {
        guard !path.utf8.contains(0) else { throw .nulInPath(path) }
        let descriptor = retryingInterrupts {
            unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        }
        guard descriptor >= 0 else { throw .system(operation: "open", path: path, code: errno) }
        guard retryingInterrupts({ flock(descriptor, LOCK_EX | LOCK_NB) }) == 0 else {
            let code = errno
            close(descriptor)
            guard code == EWOULDBLOCK else {
                throw .system(operation: "lock", path: path, code: code)
            }
            return nil
        }
        self.path = path
        self.descriptor = descriptor
        // Nothing depends on the number, so a full disk does not matter here.
        let text = Array("\(getpid())\n".utf8)
        _ = ftruncate(descriptor, 0)
        _ = unsafe text.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    }

    /// Takes the file as soon as nobody else has it.
    ///
    /// - Returns: nil where another process kept it for as long as `patience`.
    public static func waited(
        for path: String,
        patience: Duration
    ) throws(FileError) -> LockFile? {
        let end = ContinuousClock.now + patience
        while true {
            if let lock = try LockFile(path: path) { return lock }
            guard ContinuousClock.now < end else { return nil }
            usleep(pauseMicroseconds)
        }
    }

    /// Between two looks at a file that another process has for a moment.
    private static let pauseMicroseconds: UInt32 = 5000

    deinit {
        // A process that is just being started may have a copy of the descriptor for a moment.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
