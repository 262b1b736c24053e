import Cluster
import Messaging
import Tensors

/// The thread that runs a worker's `StepLoop`.
enum StepThread {
    /// Starts the thread; it ends after `StepCommand.stop`.
    static func start(
        machine: Machine,
        context: MessagingContext,
        inbox: Mailbox<StepCommand>,
        reports: Mailbox<LoopCommand>,
        figures: Latest<StepFigures>
    ) throws(MessagingError) -> NamedThread {
        try NamedThread("moiety-step") {
            let loop = StepLoop(
                machine: machine,
                inbox: inbox,
                figures: figures,
                dial: { (endpoint, options) throws(MessagingError) in
                    try machine.dialer.dial(endpoint, options: options, in: context)
                },
                report: { _ = reports.post($0) }
            )
            do throws(MessagingError) {
                try run(loop, inbox: inbox, spin: machine.spinTime)
            } catch {
                _ = reports.post(.broken("the data socket failed: \(error)"))
            }
        }
    }

    private static func run(
        _ loop: StepLoop,
        inbox: Mailbox<StepCommand>,
        spin: Duration
    ) throws(MessagingError) {
        var poller = Poller(spin: spin)
        var idle = IdleTime()
        while true {
            while try loop.turn() {}
            guard !loop.isStopped else { return }
            let ready = try poller.wait(
                for: loop.socket.map { [$0] } ?? [],
                or: inbox.waker,
                timeout: idle.timeout
            )
            guard ready.isTimeUp else {
                idle.onEvent()
                continue
            }
            switch idle.onTimeUp() {
            case .prepare: idle.onPrepared(isUnderWay: loop.prepare())
            case .release:
                loop.releaseMemory()
                FreeMemory.giveBack()
            }
        }
    }
}
