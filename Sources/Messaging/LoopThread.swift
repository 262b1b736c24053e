import Synchronization

/// What a loop thread does with what arrives.
///
/// Every method runs on that thread.
public protocol LoopHandler<Note>: SendableMetatype {
    /// What other threads hand over by the mailbox.
    associatedtype Note: Sendable

    /// The sockets whose messages it wants.
    ///
    /// Asked before every sleep, so they may change.
    var sockets: [Socket] { get }

    mutating func onNote(_ note: Note)

    /// Takes a message of `sockets[index]`, as they were before the sleep.
    mutating func onMessage(_ message: ReceivedMessage, from index: Int)

    /// Acts on time, once after everything that arrived.
    ///
    /// - Returns: How long the thread may sleep; nil until something arrives.
    mutating func onRound() -> Duration?

    /// Says goodbye: the mailbox is closed and empty, and the thread ends afterwards.
    mutating func onStop()
}

/// A named thread that owns sockets: sleeps until a message, a note or a deadline, and hands each
/// to its handler.
public final class LoopThread<Handler: LoopHandler>: Sendable {
    /// Closing it ends the loop, from inside or outside.
    public let mailbox: Mailbox<Handler.Note>
    private let thread: NamedThread
    private let failure: Failure

    /// Shared with the thread, which may outlive the `LoopThread`.
    private final class Failure: Sendable {
        let error = Mutex<MessagingError?>(nil)
    }

    /// Starts the loop; the handler and its sockets belong to the new thread.
    public init(
        _ name: String,
        mailbox: Mailbox<Handler.Note>,
        handler: sending Handler
    ) throws(MessagingError) {
        self.mailbox = mailbox
        let failure = Failure()
        self.failure = failure
        var loop = Loop(handler: handler, mailbox: mailbox)
        thread = try NamedThread(name) {
            do throws(MessagingError) {
                try loop.run()
            } catch {
                mailbox.close()
                failure.error.withLock { $0 = error }
            }
        }
    }

    /// Lets the loop handle what waits, say goodbye and end.
    public func stop() { mailbox.close() }

    /// Waits for the end without blocking the caller's thread, and throws what ended it early.
    public func finished() async throws(MessagingError) {
        await thread.finished()
        if let error = failure.error.withLock({ $0 }) { throw error }
    }

    /// Blocks until the thread has ended, and throws what ended it early.
    public func join() throws(MessagingError) {
        thread.join()
        if let error = failure.error.withLock({ $0 }) { throw error }
    }
}

/// The rounds of one loop thread.
private struct Loop<Handler: LoopHandler> {
    /// Messages taken from one socket before the others have their turn.
    private static var burst: Int { 64 }

    var handler: Handler
    let mailbox: Mailbox<Handler.Note>
    private var poller = Poller()

    init(handler: Handler, mailbox: Mailbox<Handler.Note>) {
        self.handler = handler
        self.mailbox = mailbox
    }

    mutating func run() throws(MessagingError) {
        var rest = handler.onRound()
        while true {
            let sockets = handler.sockets
            let readiness = try poller.wait(for: sockets, or: mailbox.waker, timeout: rest)
            // Read before the notes: what was posted before the closing is among them.
            let isClosed = readiness.isWoken && mailbox.isClosed
            if readiness.isWoken { mailbox.takeAll().forEach { handler.onNote($0) } }
            if isClosed { return handler.onStop() }
            for index in readiness.sockets { try receive(from: sockets[index], index) }
            rest = handler.onRound()
        }
    }

    private mutating func receive(from socket: Socket, _ index: Int) throws(MessagingError) {
        for _ in 0..<Self.burst {
            guard let message = try socket.receive() else { return }
            handler.onMessage(message, from: index)
        }
    }
}
