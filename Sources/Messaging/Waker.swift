import CLinux
import Glibc

/// Wakes a `Poller` from any other thread.
///
/// Waking twice before the sleeper looks is waking once.
public final class Waker: Sendable {
    let descriptor: Int32

    public init() throws(MessagingError) {
        descriptor = moiety_eventfd()
        guard descriptor >= 0 else { throw lastFailure("eventfd") }
    }

    deinit { close(descriptor) }

    /// Ends the sleep of whoever polls this waker, or prevents the next one.
    public func wake() {
        var one: UInt64 = 1
        // Fails only when the counter is full, and then it is awake.
        while unsafe write(descriptor, &one, MemoryLayout<UInt64>.size) < 0, errno == EINTR {}
    }

    /// Forgets past wakes.
    ///
    /// Call it before looking at what they announced.
    public func clear() {
        var count: UInt64 = 0
        while unsafe read(descriptor, &count, MemoryLayout<UInt64>.size) < 0, errno == EINTR {}
    }
}

/// An error number of the system in words.
func systemReason(_ code: Int32) -> String {
    guard let text = unsafe moiety_error_text(code) else { return "error \(code)" }
    return unsafe String(cString: text)
}
