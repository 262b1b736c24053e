import CZeroMQ
import Glibc

/// The library's own state, one per process: its I/O thread and the names of `inproc` endpoints.
///
/// Every socket keeps its context alive, so the order in which they are let go does not matter.
@safe public final class MessagingContext: Sendable {
    // A ZeroMQ context may be used from every thread; the pointer itself never changes.
    nonisolated(unsafe) let handle: UnsafeMutableRawPointer

    public init() throws(MessagingError) {
        try LibraryVersion.loaded.requireSafe()
        guard let handle = unsafe zmq_ctx_new() else { throw lastFailure("zmq_ctx_new") }
        unsafe self.handle = handle
    }

    deinit {
        // Waits for sockets that linger; a signal only interrupts the wait.
        while unsafe zmq_ctx_term(handle) != 0, errno == EINTR {}
    }
}

/// Which libzmq this process has loaded; it may be older than the header it was built with.
package struct LibraryVersion: Comparable, Sendable {
    private let numbers: [Int32]

    /// The first without known ways for a stranger to stop or overrun a process that listens.
    static let oldest = LibraryVersion(4, 3, 4)

    package init(_ major: Int32, _ minor: Int32, _ patch: Int32) {
        numbers = [major, minor, patch]
    }

    static var loaded: LibraryVersion {
        var (major, minor, patch) = (Int32(0), Int32(0), Int32(0))
        unsafe zmq_version(&major, &minor, &patch)
        return LibraryVersion(major, minor, patch)
    }

    package static func < (one: LibraryVersion, other: LibraryVersion) -> Bool {
        one.numbers.lexicographicallyPrecedes(other.numbers)
    }

    package func requireSafe() throws(MessagingError) {
        guard self >= Self.oldest else {
            let version = numbers.map { "\($0)" }.joined(separator: ".")
            throw .unsafeLibrary(reason: "\(version) is too old")
        }
    }
}

/// What the last call of the library says went wrong.
func lastFailure(_ operation: String) -> MessagingError {
    .failed(operation: operation, reason: lastReason())
}

/// The last error of this thread in words.
func lastReason() -> String {
    guard let text = unsafe zmq_strerror(zmq_errno()) else { return "error \(zmq_errno())" }
    return unsafe String(cString: text)
}
