import Messaging

/// The thread that writes what must outlive the process, one change after the other.
///
/// A disk may take seconds, in which the loop goes on.
struct StateThread {
    private enum Command: Sendable {
        case save(StateChange)
        case stop
    }

    private let inbox: Mailbox<Command>
    private let thread: NamedThread

    /// Changes that may wait: one that others wait for, one of the history, and the end.
    private static let queueLimit = 16

    /// Starts the thread; each change is answered by `LoopCommand.saved`.
    init(_ state: StateDirectory, reports: Mailbox<LoopCommand>) throws(MessagingError) {
        let inbox = try Mailbox<Command>(limit: Self.queueLimit)
        self.inbox = inbox
        thread = try NamedThread("moiety-state") {
            do throws(MessagingError) {
                try Self.run(state, inbox: inbox, reports: reports)
            } catch {
                _ = reports.post(.report(.broken("the state cannot be written: \(error)")))
            }
        }
    }

    func save(_ change: StateChange) { _ = inbox.post(.save(change)) }

    /// Waits until all that was to be written is.
    func stop() {
        _ = inbox.post(.stop)
        thread.join()
    }

    private static func run(
        _ state: StateDirectory,
        inbox: Mailbox<Command>,
        reports: Mailbox<LoopCommand>
    ) throws(MessagingError) {
        var poller = Poller()
        while true {
            _ = try poller.wait(for: [], or: inbox.waker, timeout: nil)
            for command in inbox.takeAll() {
                guard case .save(let change) = command else { return }
                var failure: CoordinatorError?
                do throws(CoordinatorError) {
                    try state.save(change)
                } catch {
                    failure = error
                }
                _ = reports.post(.saved(change, failure))
            }
        }
    }
}
