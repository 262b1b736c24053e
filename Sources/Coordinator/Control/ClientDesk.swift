import Cluster
import Foundation
import Generation
import Inference
import Ledger
import Logging
import Messaging
import Model
import Placement
import Settings
import Tokenizer
import Wire

/// The clients' side of the coordinator, on the loop thread: jobs, lists, evaluations.
struct ClientDesk {
    let served: ServedModel
    private let socket: any MessageSocket
    let steps: Mailbox<StepCommand>
    private let logger: Logger
    let wireLimits = WireLimits()
    /// Nil where only this machine can connect.
    private let access: Access?
    let contextLength: Int
    let queueLimit: Int
    var jobs: JobTable
    /// What of them is on disk.
    var ledger: LedgerDesk
    /// Clients that said hello, oldest first.
    private var greeted: [Peer] = []
    private var evaluationCount = 0
    /// What clients are to hear of their jobs whose queues are full.
    private var outbox = Outbox()
    /// What is counted of all jobs.
    var figures = JobFigures()
    /// What clients want of plans, which the workers' side decides about in the same turn.
    private var wishes: [(client: Peer, wish: PlanWish)] = []
    /// Those whose wishes came true, and who are not told yet.
    private var granted: [(client: Peer, reply: ChangeReply)] = []
    var isClosed = false
    private var profiles = ProfileDesk()
    private var warnings: PeerWarnings
    var story: JobStory
    /// Messages that were not acted on.
    private var drops = DropCounts()

    /// Evaluations that may wait; their clients wait too, so few are needed.
    private static let evaluationLimit = 64
    /// Bytes of logits of one evaluation: a client that does not read may have a queue of them.
    private static let evaluationByteCount = 16 << 20
    /// Bytes of a task label: it stands in every list of jobs.
    static let taskByteCount = 128
    /// Clients that may be greeted at once; the oldest must say hello again.
    private static let greetedLimit = 4096

    init(
        served: ServedModel,
        settings: CoordinatorSettings,
        socket: any MessageSocket,
        access: Access?,
        steps: Mailbox<StepCommand>,
        ledger: Mailbox<LedgerCommand>?,
        life: UInt32,
        logger: Logger
    ) {
        self.served = served
        self.access = access
        self.socket = socket
        self.steps = steps
        self.logger = logger
        contextLength = min(settings.contextLength, served.description.contextLength)
        queueLimit = settings.queuedJobCount + settings.runningJobCount
        jobs = JobTable(life: life)
        self.ledger = LedgerDesk(inbox: ledger, life: life)
        warnings = PeerWarnings(logger)
        story = JobStory(logger)
        greeted.reserveCapacity(Self.greetedLimit + 1)
    }

    var queuedCount: Int { jobs.queuedCount }
    var runningCount: Int { jobs.runningCount }

    /// What came to the socket so far.
    var traffic: SocketReport { SocketTraffic(of: socket, drops: drops).report("clients") }

    // MARK: From clients

    /// Answers a client; `workers` tells about nodes and readiness, `traffic` about the other
    /// sockets, `figures` about the step thread's exchanges with workers, `balance` about searches
    /// for plans.
    mutating func receive(
        _ received: ReceivedMessage,
        workers: WorkerDesk,
        traffic: () -> [SocketReport],
        figures: () -> StepFigures,
        balance: () -> BalanceReport,
        now: Instant
    ) {
        guard let client = received.peer, let message = read(received, from: client, now: now)
        else { return }
        if case .clientHello(let hello) = message { return greet(client, hello, now: now) }
        guard greeted.contains(client) else {
            drops.count(.unknownPeer)
            return refuse(client, .helloExpected, "say hello first")
        }
        switch message {
        case .submit(let request):
            let owner = access?.owner(of: received.sender) ?? ""
            submit(request, from: client, owner: owner, now: now)
        case .cancel(let request): cancel(request, from: client, now: now)
        case .findJob(let question): find(question, from: client)
        case .evaluate(let request): evaluate(request, from: client)
        case .listJobs: list(for: client)
        case .listNodes: send(.nodes(workers.nodeReports(now: now)), to: client)
        case .getStatus:
            let report = status(
                workers,
                traffic: traffic(),
                trips: figures().trips,
                balance: balance(),
                now: now
            )
            send(.status(report), to: client)
        case .getPlan: send(.planInForce(workers.planInForce), to: client)
        case .changePlan(let change): wishes.append((client, .change(change)))
        case .drainNode(let drain): wishes.append((client, .drain(drain)))
        case .getPlanHistory: send(.planHistory(workers.planHistory), to: client)
        case .getCosts: send(.clusterCosts(workers.costs(figures(), served)), to: client)
        case .getProfile(let wish): getProfile(wish, for: client)
        case .getProfilePart(let wish):
            guard let part = profiles.part(wish, for: client, now: now) else {
                return refuse(client, .malformed, "there is no such part of a profile; ask anew")
            }
            send(part, to: client)
        default:
            drops.count(.unexpected)
            refuse(client, .malformed, "this message is the coordinator's to send")
        }
    }

    /// A message that its sender may send; any other is counted and answered.
    private mutating func read(
        _ received: ReceivedMessage,
        from client: Peer,
        now: Instant
    ) -> ClientMessage? {
        do throws(WireError) {
            let message = try ClientMessage(frames: received.frames, limits: wireLimits)
            guard let reason = access?.refusal(of: message, from: received.sender) else {
                return message
            }
            drops.count(.forbidden)
            warnings.tell("Message refused", of: .peer(client), reason: reason, now: now)
            refuse(client, .notAllowed, reason)
        } catch {
            drops.count(.malformed)
            warnings.tell(
                "Malformed message from a client",
                of: .peer(client),
                reason: "\(error)",
                now: now
            )
            refuse(client, .malformed, "\(error)")
        }
        return nil
    }

    private mutating func getProfile(_ wish: GetProfile, for client: Peer) {
        guard !isClosed else {
            return refuse(client, .shuttingDown, "\(JobRefusal.shuttingDown)")
        }
        if let reason = profiles.admit(client) { return refuse(client, .notAllowed, reason) }
        _ = steps.post(.profile(wish.action, for: client))
    }

    /// What the step thread has counted for a client that asked.
    mutating func tell(_ report: ProfileReport, to client: Peer, now: Instant) {
        send(.profileOverview(profiles.keep(report, for: client, now: now)), to: client)
    }

    /// Lets `decide` answer those who want another plan; whose wish comes true hears of it once it
    /// cannot be lost any more.
    mutating func answerWishes(_ decide: (PlanWish) -> ChangeReply) {
        let wishes = wishes
        self.wishes = []
        for (client, wish) in wishes {
            let reply = decide(wish)
            if reply.isBegun {
                granted.append((client, reply))
            } else {
                send(.changeReply(reply), to: client)
            }
        }
    }

    /// What was granted is on disk.
    mutating func tellGranted() {
        let granted = granted
        self.granted = []
        for (client, reply) in granted { send(.changeReply(reply), to: client) }
    }

    private mutating func greet(_ client: Peer, _ hello: ClientHello, now: Instant) {
        if let (code, text) = refusal(of: hello) {
            drops.count(.refusedHello)
            warnings.tell("Client refused", of: .peer(client), reason: text, now: now)
            return refuse(client, code, text)
        }
        if !greeted.contains(client) { greeted.append(client) }
        if greeted.count > Self.greetedLimit { greeted.removeFirst() }
        let welcome = ClientWelcome(build: Build.name, modelName: served.description.name)
        send(.clientWelcome(welcome), to: client)
    }

    private func refusal(of hello: ClientHello) -> (RefusalCode, String)? {
        let supported = ProtocolVersion.supported
        guard supported.contains(hello.protocolVersion) else {
            return (
                .protocolVersion,
                "the client speaks protocol version \(hello.protocolVersion), the coordinator "
                    + "\(supported.lowerBound) to \(supported.upperBound); install the same release"
            )
        }
        guard hello.role != .worker else {
            return (.notAllowed, "clients connect here; workers have another port")
        }
        return nil
    }

    private mutating func evaluate(_ evaluate: Evaluate, from client: Peer) {
        func fail(_ message: String) {
            send(
                .evaluationFailed(EvaluationFailed(tag: evaluate.tag, message: message)),
                to: client
            )
        }
        guard !isClosed else { return fail("\(JobRefusal.shuttingDown)") }
        guard !evaluate.tokens.isEmpty else { return fail("there are no tokens to evaluate") }
        guard evaluate.tokens.count <= contextLength else {
            return fail("\(evaluate.tokens.count) tokens exceed the context of \(contextLength)")
        }
        let count = served.description.vocabularyCount
        if let bad = evaluate.tokens.first(where: { $0 < 0 || $0 >= count }) {
            return fail("token \(bad) is not in the vocabulary of \(count)")
        }
        let top = min(evaluate.top, count)
        let bytes = evaluate.tokens.count.multipliedReportingOverflow(by: 4 * top)
        guard !bytes.overflow, bytes.partialValue <= Self.evaluationByteCount else {
            return fail("\(top) logits for each of \(evaluate.tokens.count) tokens are too many")
        }
        guard evaluationCount < Self.evaluationLimit else {
            return fail("too many evaluations wait; try again later")
        }
        let job = EvaluationJob(
            client: client,
            tag: evaluate.tag,
            tokens: evaluate.tokens,
            top: top,
            scoreFrom: evaluate.scoreFrom
        )
        guard steps.post(.evaluate(job)) else { return fail("the coordinator is busy; try later") }
        evaluationCount += 1
    }

    // MARK: From the step thread

    mutating func finish(_ job: EvaluationJob, _ result: EvaluationResult) {
        evaluationCount -= 1
        let positions = result.positions.map { TopLogits(ids: $0.ids, logits: $0.logits) }
        let reply = EvaluationReply(
            tag: job.tag,
            positions: positions,
            scores: result.logProbabilities,
            expertUses: result.expertUses
        )
        // A reply of megabytes is not kept for somebody who does not read.
        guard send(.evaluation(reply), to: job.client) == .full else { return }
        let message = "the result could not be sent, because earlier messages were not read"
        let failure = EvaluationFailed(tag: job.tag, message: message)
        deliver(.evaluationFailed(failure), to: job.client)
    }

    mutating func fail(_ job: EvaluationJob, _ message: String) {
        evaluationCount -= 1
        send(.evaluationFailed(EvaluationFailed(tag: job.tag, message: message)), to: job.client)
    }

    // MARK: Reports

    func status(
        _ workers: WorkerDesk,
        traffic: [SocketReport],
        trips: TripProfile,
        balance: BalanceReport,
        now: Instant
    ) -> StatusReport {
        let membership = workers.membership
        return StatusReport(
            isReady: membership.isReady,
            text: membership.status(now: now),
            modelName: served.description.name,
            epoch: membership.plan?.epoch,
            workersExpected: membership.expectedCount,
            workersReady: membership.readyCount,
            jobsQueued: jobs.queuedCount,
            jobsRunning: jobs.runningCount,
            build: Build.name,
            sockets: traffic + [self.traffic],
            trips: trips,
            balance: balance,
            ledgerTrouble: ledger.trouble.map { "\($0)" } ?? ""
        )
    }

    // MARK: Sending

    /// Sends what must not be lost, again later where the client's queue is full just now.
    ///
    /// - Returns: false where the client is gone, or reads nothing.
    @discardableResult
    mutating func deliver(_ message: ClientMessage, to client: Peer) -> Bool {
        if outbox.holdsMessages(for: client) { return keep(message, for: client) }
        return switch send(message, to: client) {
        case .sent: true
        case .full: keep(message, for: client)
        case .gone: false
        }
    }

    /// Who is given up must say hello again, and so learns that it has missed something.
    private mutating func keep(_ message: ClientMessage, for client: Peer) -> Bool {
        guard !outbox.keep(message, for: client) else { return true }
        greeted.removeAll { $0 == client }
        return false
    }

    /// Whether `retry` should be called soon.
    var owesMessages: Bool { !outbox.isEmpty }

    /// Sends what is owed, and lets go of what nobody asks for any more.
    mutating func retry(now: Instant) {
        profiles.forgetOld(now: now)
        guard !outbox.isEmpty else { return }
        var outbox = self.outbox
        outbox.flush { message, client in send(message, to: client) != .full }
        self.outbox = outbox
    }

    private mutating func refuse(_ client: Peer, _ code: RefusalCode, _ text: String) {
        send(.refusal(Refusal(code: code, text: text)), to: client)
    }

    enum Delivery {
        case sent
        /// The client does not read what it is sent.
        case full
        /// The client is not connected any more.
        case gone
    }

    @discardableResult
    mutating func send(_ message: ClientMessage, to client: Peer) -> Delivery {
        do throws(MessagingError) {
            try socket.send(message.encode(), to: client)
            return .sent
        } catch .queueFull {
            drops.count(.unanswered)
            return .full
        } catch {
            logger.debug("Message not sent", metadata: ["reason": "\(error)"])
            return .gone
        }
    }
}
