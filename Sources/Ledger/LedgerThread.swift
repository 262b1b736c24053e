import Foundation
public import Messaging

/// The thread that writes the ledger: runs a `LedgerLoop` on a file.
public struct LedgerThread {
    /// Where commands go.
    public let inbox: Mailbox<LedgerCommand>
    public let thread: NamedThread

    /// Starts the thread; it ends after `LedgerCommand.stop`.
    ///
    /// - Parameter report: told every answer, on that thread.
    public init(
        path: String,
        limits: LedgerLimits,
        report: @escaping @Sendable (LedgerReport) -> Void
    ) throws(MessagingError) {
        let inbox = try Mailbox<LedgerCommand>(limit: LedgerCommand.queueLimit)
        self.inbox = inbox
        thread = try NamedThread("moiety-ledger") {
            let loop = LedgerLoop(
                inbox: inbox,
                retryTime: limits.retryTime,
                open: { () throws(LedgerError) in
                    try LedgerStore(path: path, limits: limits) {
                        UInt64(max(0, Date().timeIntervalSince1970))
                    }
                },
                report: report
            )
            var poller = Poller()
            while true {
                loop.turn()
                guard !loop.hasStopped else { return }
                do throws(MessagingError) {
                    _ = try poller.wait(for: [], or: inbox.waker, timeout: loop.timeout)
                } catch {
                    report(.health(.failed(path: path, reason: "\(error)")))
                    return
                }
            }
        }
    }
}
