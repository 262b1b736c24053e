import Messaging
import Synchronization

/// Runs what blocks on a thread of its own, and waits for it without blocking the caller's.
public func onThread<Result: Sendable>(
    _ body: @escaping @Sendable () throws -> Result
) async throws -> Result {
    let outcome = Outcome<Result>()
    let thread = try NamedThread("blocking-test") {
        let result = Swift.Result { try body() }
        outcome.value.withLock { $0 = result }
    }
    await thread.finished()
    guard let result = outcome.value.withLock({ $0 }) else {
        throw TestClient.Failure(description: "the thread never ran")
    }
    return try result.get()
}

private final class Outcome<Result: Sendable>: Sendable {
    let value = Mutex<Swift.Result<Result, any Error>?>(nil)
}
