import Messaging
import Terminal
import Wire

/// A line to a coordinator that is mended when the coordinator goes and comes back.
final class CoordinatorLine {
    private let options: CoordinatorOptions
    private let waker: Waker
    /// How long a coordinator may be away.
    private let patience: Duration
    private(set) var client: ClusterClient

    private static let pause = Duration.milliseconds(200)

    init(_ options: CoordinatorOptions, waker: Waker, patience: Duration) throws {
        self.options = options
        self.waker = waker
        self.patience = patience
        client = try options.connect(waker: waker)
    }

    /// Does `body`; where the coordinator is lost, connects anew, says what is to be said to a
    /// new life of it, and does it again.
    ///
    /// - Parameter mend: what the new life must hear first.
    func keep<Value>(
        mend: (ClusterClient) throws -> Void,
        _ body: (ClusterClient) throws -> Value
    ) throws -> Value {
        while true {
            do {
                return try body(client)
            } catch let failure as CommandFailure where failure.code == CommandFailure.unreachable {
                try reconnect(failure, mend)
            }
        }
    }

    private func reconnect(
        _ failure: CommandFailure,
        _ mend: (ClusterClient) throws -> Void
    ) throws {
        let end = ContinuousClock.now + patience
        while ContinuousClock.now < end {
            Console.progress("the coordinator is away; waiting for it")
            do {
                client = try options.connect(waker: waker)
                return try mend(client)
            } catch let other as CommandFailure where other.code == CommandFailure.unreachable {
                try wait()
            }
        }
        throw failure
    }

    private func wait() throws {
        var poller = Poller()
        guard try poller.wait(for: [], or: waker, timeout: Self.pause).isWoken else { return }
        waker.clear()
        throw CommandFailure("interrupted while the coordinator was away", code: 130)
    }
}
