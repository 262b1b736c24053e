import Cluster
import Messaging

/// The thread that runs a worker's `StepLoop`.
enum StepThread {
    /// Starts the thread; it ends after `StepCommand.stop`.
    static func start(
        machine: Machine,
        context: MessagingContext,
        inbox: Mailbox<StepCommand>,
        reports: Mailbox<LoopCommand>,
        drops: Latest<DropCounts>
    ) throws(MessagingError) -> NamedThread {
        try NamedThread("moiety-step") {
            let loop = StepLoop(
                machine: machine,
                inbox: inbox,
                drops: drops,
                dial: { (endpoint, options) throws(MessagingError) in
                    try context.dial(endpoint, options: options)
                },
                report: { _ = reports.post($0) }
            )
            do throws(MessagingError) {
                try run(loop, inbox: inbox)
            } catch {
                _ = reports.post(.broken("the data socket failed: \(error)"))
            }
        }
    }

    private static func run(
        _ loop: StepLoop,
        inbox: Mailbox<StepCommand>
    ) throws(MessagingError) {
        var poller = Poller()
        while true {
            while try loop.turn() {}
            guard !loop.isStopped else { return }
            _ = try poller.wait(
                for: loop.socket.map { [$0] } ?? [],
                or: inbox.waker,
                timeout: nil
            )
        }
    }
}
