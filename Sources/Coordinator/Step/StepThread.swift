import Cluster
import Messaging
import Settings

/// The thread that computes: runs a `StepLoop`, which owns the data socket.
struct StepThread {
    /// Where commands go.
    let inbox: Mailbox<StepCommand>
    let thread: NamedThread
    /// Where workers connect for shares.
    let endpoint: Endpoint
    /// What it has counted so far.
    let figures: Latest<StepFigures>
    let loads: LoadBoard

    /// Starts the thread; it ends after `StepCommand.stop`, with `StepReport.stopped`.
    init(
        served: ServedModel,
        settings: CoordinatorSettings,
        sockets: CoordinatorSockets,
        access: Access?,
        life: UInt32,
        keeping: CountsKeeping?,
        reports: Mailbox<LoopCommand>
    ) throws(MessagingError) {
        let inbox = try Mailbox<StepCommand>(limit: StepCommand.queueLimit)
        var options = SocketOptions()
        options.security = access.map { .server($0.pair, door: .workers) }
        let socket = try Socket(.router, in: sockets.context, options: options)
        endpoint = try socket.bind(sockets.dataEndpoint)
        self.inbox = inbox
        let figures = Latest(StepFigures())
        self.figures = figures
        let loads = LoadBoard()
        self.loads = loads
        thread = try NamedThread("moiety-step") {
            var poller = Poller(spin: settings.spinTime)
            let loop = StepLoop(
                served: served,
                settings: settings,
                socket: socket,
                inbox: inbox,
                life: life,
                clock: LoopClock(),
                figures: figures,
                loads: loads,
                keeping: keeping,
                sleep: { timeout throws(MessagingError) in
                    _ = try poller.wait(for: [socket], or: inbox.waker, timeout: timeout)
                },
                report: { _ = reports.post(.report($0)) }
            )
            loop.run()
        }
    }
}
