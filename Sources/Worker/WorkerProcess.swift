import Cluster
import Logging
import Messaging

/// One life of a worker, on the loop thread: gives its loops sockets, threads and time.
struct WorkerProcess {
    private let context: MessagingContext
    private let stepThread: NamedThread
    private let steps: Mailbox<StepCommand>
    private let inbox: Mailbox<LoopCommand>
    private let clock = LoopClock()
    private let loop: ControlLoop

    init(
        machine: Machine,
        inbox: Mailbox<LoopCommand>,
        logger: Logger
    ) throws(WorkerError) {
        self.inbox = inbox
        let figures = Latest(StepFigures())
        do throws(MessagingError) {
            let context = try MessagingContext()
            self.context = context
            steps = try Mailbox<StepCommand>(limit: StepCommand.queueLimit)
            stepThread = try StepThread.start(
                machine: machine,
                context: context,
                inbox: steps,
                reports: inbox,
                figures: figures
            )
        } catch {
            throw .messaging(error)
        }
        let supply = ExpertSupply(machine: machine, logger: logger)
        loop = ControlLoop(
            machine: machine,
            surroundings: .init(
                clock: clock,
                seed: UInt64.random(in: .min ... .max),
                dial: { [context] (endpoint, options) throws(MessagingError) in
                    try machine.dialer.dial(endpoint, options: options, in: context)
                },
                startLoad: { (order) throws(MessagingError) in
                    try BackgroundLoader(order, supply: supply, reports: inbox)
                },
                supplyCounts: { supply.counts }
            ),
            steps: steps,
            inbox: inbox,
            figures: figures,
            logger: logger
        )
    }

    /// Serves until the session is over.
    func run(under manager: ServiceManager) throws(WorkerError) {
        defer {
            _ = steps.post(.stop)
            // The process ends with this thread: the other's last answer must have left by then.
            stepThread.join()
        }
        var poller = Poller()
        var news = ServiceNews(manager)
        manager.tellReady()
        while true {
            try loop.turn()
            guard !loop.isOver else { return }
            news.turn { loop.status }
            let timeout = news.soonest(loop.nextDeadline.map { max(.zero, $0 - clock.now) })
            do throws(MessagingError) {
                _ = try poller.wait(
                    for: loop.socket.map { [$0] } ?? [],
                    or: inbox.waker,
                    timeout: timeout
                )
            } catch {
                throw .messaging(error)
            }
        }
    }
}
