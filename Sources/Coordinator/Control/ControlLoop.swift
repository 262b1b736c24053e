import Cluster
import Logging
import Messaging
import Settings

/// The loop thread: control and client sockets, membership, jobs.
///
/// Never computes, never waits for anything but the next event.
final class ControlLoop {
    private let sockets: CoordinatorSockets
    private let steps: Mailbox<StepCommand>
    private let inbox: Mailbox<LoopCommand>
    private let clock: LoopClock
    private let logger: Logger
    private var workers: WorkerDesk
    private var clients: ClientDesk
    private var poller = Poller()
    private var hasStopped = false

    /// Messages taken from one socket before the other gets its turn.
    private static let turn = 64

    init(
        served: ServedModel,
        settings: CoordinatorSettings,
        sockets: CoordinatorSockets,
        stepThread: StepThread,
        state: StateDirectory,
        start: StartingPlan,
        life: UInt32,
        inbox: Mailbox<LoopCommand>,
        logger: Logger
    ) {
        let clock = LoopClock()
        self.clock = clock
        self.sockets = sockets
        self.inbox = inbox
        self.logger = logger
        steps = stepThread.inbox
        workers = WorkerDesk(
            served: served,
            settings: settings,
            socket: sockets.workers,
            dataEndpoint: stepThread.endpoint,
            steps: stepThread.inbox,
            state: state,
            start: start,
            life: life,
            clock: clock,
            logger: logger
        )
        clients = ClientDesk(
            served: served,
            settings: settings,
            socket: sockets.clients,
            steps: stepThread.inbox,
            life: life,
            logger: logger
        )
    }

    /// Serves until the step thread, told to stop, has stopped.
    func run() throws(CoordinatorError) {
        while !hasStopped {
            try turn()
            let timeout = workers.nextDeadline.map { max(.zero, $0 - clock.now) }
            do throws(MessagingError) {
                _ = try poller.wait(
                    for: [sockets.workers, sockets.clients],
                    or: inbox.waker,
                    timeout: timeout
                )
            } catch {
                throw .messaging(error)
            }
        }
        try workers.shutDown()
    }

    private func turn() throws(CoordinatorError) {
        for command in inbox.takeAll() { try perform(command) }
        for message in try take(from: sockets.workers) { try workers.receive(message) }
        for message in try take(from: sockets.clients) {
            clients.receive(message, workers: workers, now: clock.now)
        }
        // After what has arrived, so that nobody counts as silent whose message lay here.
        try workers.tick()
    }

    private func take(from socket: Socket) throws(CoordinatorError) -> [ReceivedMessage] {
        var messages: [ReceivedMessage] = []
        do throws(MessagingError) {
            while messages.count < Self.turn, let message = try socket.receive() {
                messages.append(message)
            }
        } catch {
            throw .messaging(error)
        }
        return messages
    }

    private func perform(_ command: LoopCommand) throws(CoordinatorError) {
        switch command {
        case .stop: _ = steps.post(.stop)
        case .report(let report): try handle(report)
        }
    }

    private func handle(_ report: StepReport) throws(CoordinatorError) {
        switch report {
        case .event(let id, let event): clients.handle(event, of: id)
        case .ended(let id, let result, let rows): clients.end(id, result, rows: rows)
        case .evaluated(let job, let result): clients.finish(job, result)
        case .evaluationFailed(let job, let message): clients.fail(job, message)
        case .runner(let event): log(event)
        case .broken(let reason): throw .broken(reason)
        case .stopped: hasStopped = true
        }
    }

    private func log(_ event: RunnerEvent) {
        switch event {
        case .malformed(let reason, let peer):
            logger.warning(
                "Malformed message on the data socket",
                metadata: ["peer": "\(peer.map { "\($0)" } ?? "unknown")", "reason": "\(reason)"]
            )
        case .stray(let peer):
            logger.debug(
                "Answer from no worker of the plan",
                metadata: ["peer": "\(peer.map { "\($0)" } ?? "unknown")"]
            )
        case .dropped(let stray, let worker):
            logger.debug(
                "Answer dropped",
                metadata: ["worker": "\(worker)", "kind": "\(stray)"]
            )
        }
    }
}
