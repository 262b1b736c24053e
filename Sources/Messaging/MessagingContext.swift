import CZeroMQ
import Glibc

/// The library's own state, one per process: its I/O thread and the names of `inproc` endpoints.
///
/// Every socket keeps its context alive, so the order in which they are let go does not matter.
@safe public final class MessagingContext: Sendable {
    // A ZeroMQ context may be used from every thread; the pointer itself never changes.
    nonisolated(unsafe) let handle: UnsafeMutableRawPointer

    public init() throws(MessagingError) {
        guard let handle = unsafe zmq_ctx_new() else { throw lastFailure("zmq_ctx_new") }
        unsafe self.handle = handle
    }

    deinit {
        // Waits for sockets that linger; a signal only interrupts the wait.
        while unsafe zmq_ctx_term(handle) != 0, errno == EINTR {}
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
