import Synchronization

/// What a thread's work ended with, handed to whoever waits for the thread.
public final class ThreadOutcome<Failure: Error & Sendable>: Sendable {
    private let stored = Mutex<Failure?>(nil)

    public init() {}

    /// The error that ended the work, or nil.
    public var failure: Failure? { stored.withLock { $0 } }

    /// Runs the work, on its thread.
    public func record(_ body: () throws(Failure) -> Void) {
        do throws(Failure) {
            try body()
        } catch {
            stored.withLock { $0 = error }
        }
    }
}
