import Cluster
import Placement
import Wire

/// A client that asks questions and checks that each is answered exactly once, and rightly.
final class SimulatedClient {
    /// How one question stands.
    enum Outcome: Equatable {
        /// Not sent yet.
        case planned
        case sent
        case accepted(job: String)
        case right
        /// With an error that names what went wrong.
        case failed(String)
        case cancelled
        /// The coordinator went while it was under way.
        case lost
    }

    private struct Inquiry {
        let question: Question
        var outcome = Outcome.planned
        /// Asked to be ended after so many tokens.
        var cancelAfter: Int?
        var tokens: [Int32] = []
    }

    private unowned let world: SimulatedCluster
    private let line: ClientLine
    private var inquiries: [Inquiry] = []
    private var isWelcome = false
    /// Whether the connection just ended, and what had arrived is being read.
    private var isLosing = false
    private(set) var hasLeft = false
    private(set) var lastStatus: StatusReport?

    init(_ name: String, in world: SimulatedCluster) {
        self.world = world
        line = ClientLine(name, in: world)
    }

    var outcomes: [Outcome] { inquiries.map(\.outcome) }

    var isWaiting: Bool {
        !hasLeft && inquiries.contains { $0.outcome.isOpen }
    }

    // MARK: Asking

    func start() throws {
        try line.open(onBreak: { [weak self] in self?.loseCoordinator() }) { [weak self] in
            self?.handle($0)
        }
    }

    /// Asks as soon as the coordinator has welcomed it.
    func ask(_ question: Question, cancelAfter: Int? = nil) {
        guard !hasLeft else { return }
        inquiries.append(Inquiry(question: question, cancelAfter: cancelAfter))
        if isWelcome { askWhatIsPlanned() }
    }

    /// Wants another plan, now or never.
    func wish(_ plan: Plan) {
        let json = String(decoding: plan.json(), as: UTF8.self)
        if isWelcome, !hasLeft { line.send(.changePlan(ChangePlan(json: json))) }
    }

    func askStatus() { if isWelcome { line.send(.getStatus) } }

    /// Goes without a word, as a client that was killed.
    func leave() {
        hasLeft = true
        line.close()
    }

    private func askWhatIsPlanned() {
        for tag in inquiries.indices where inquiries[tag].outcome == .planned {
            inquiries[tag].outcome = .sent
            line.send(inquiries[tag].question.message(tag: UInt64(tag)))
        }
    }

    private func loseCoordinator() {
        isWelcome = false
        isLosing = true
        defer { isLosing = false }
        // What has arrived counts, however the connection ended.
        line.receiveAll()
        for tag in inquiries.indices where inquiries[tag].outcome.isUnderWay {
            inquiries[tag].outcome = .lost
        }
    }

    // MARK: Being answered

    private func handle(_ message: ClientMessage) {
        switch message {
        case .clientWelcome:
            guard !isLosing else { return }
            isWelcome = true
            askWhatIsPlanned()
        case .accepted(let accepted): accept(accepted)
        case .tokens(let tokens): add(tokens)
        case .ended(let ended): end(ended)
        case .evaluation(let reply): end(reply)
        case .evaluationFailed(let failure): fail(Int(failure.tag), failure.message)
        case .status(let status): lastStatus = status
        case .progress, .cancelReply, .changeReply: break
        default: world.fail("\(line.process.name) got \(message)")
        }
    }

    private func accept(_ accepted: Accepted) {
        let tag = Int(accepted.tag)
        guard inquiries.indices.contains(tag), inquiries[tag].outcome == .sent else {
            return world.fail("\(accepted.job) was accepted, but tag \(tag) is not waiting for it")
        }
        inquiries[tag].outcome = .accepted(job: accepted.job)
    }

    private func tag(of job: String) -> Int? {
        inquiries.firstIndex { $0.outcome == .accepted(job: job) }
    }

    private func add(_ tokens: GeneratedTokens) {
        guard let tag = tag(of: tokens.job) else {
            return world.fail("tokens came for \(tokens.job), which is not under way")
        }
        inquiries[tag].tokens += tokens.tokens
        guard let limit = inquiries[tag].cancelAfter, inquiries[tag].tokens.count >= limit else {
            return
        }
        inquiries[tag].cancelAfter = nil
        line.send(.cancel(Cancel(job: tokens.job)))
    }

    private func end(_ ended: Ended) {
        guard let tag = tag(of: ended.job), case .job(let index) = inquiries[tag].question else {
            return world.fail("\(ended.job) ended, but is not under way")
        }
        // Cut otherwise, an expert's sums round otherwise, and two tokens may be as good.
        let right =
            world.cutting == .mixed ? inquiries[tag].tokens : world.answers.tokens(ofJob: index)
        guard right.starts(with: inquiries[tag].tokens), right.starts(with: ended.tokens) else {
            return world.fail("\(ended.job) made \(ended.tokens) instead of \(right)")
        }
        switch ended.outcome {
        case .completed:
            guard ended.tokens == right, inquiries[tag].tokens == right else {
                return world.fail("\(ended.job) ended with \(ended.tokens) instead of \(right)")
            }
            inquiries[tag].outcome = .right
        case .cancelled: inquiries[tag].outcome = .cancelled
        case .failed: fail(tag, ended.message)
        }
    }

    private func end(_ reply: EvaluationReply) {
        let tag = Int(reply.tag)
        guard inquiries.indices.contains(tag), inquiries[tag].outcome == .sent,
            case .evaluation(let index) = inquiries[tag].question,
            let right = world.answers.evaluation(index)
        else { return world.fail("evaluation \(tag) was answered, but not asked") }
        guard isRight(reply, right) else {
            return world.fail("evaluation \(index) has other bits than undisturbed")
        }
        inquiries[tag].outcome = .right
    }

    /// The bits of one process, or where experts are cut now and then, its values but for rounding.
    private func isRight(_ reply: EvaluationReply, _ right: EvaluationReply) -> Bool {
        guard world.cutting == .mixed else {
            return reply.positions == right.positions && reply.scores == right.scores
        }
        return reply.scores.count == right.scores.count
            && zip(reply.scores, right.scores).allSatisfy { abs($0 - $1) < Self.rounding }
    }

    /// Log-probabilities of one token differ by less.
    private static let rounding = 0.05

    private func fail(_ tag: Int, _ message: String) {
        guard inquiries.indices.contains(tag), inquiries[tag].outcome.isUnderWay else {
            return world.fail("tag \(tag) failed, but is not under way")
        }
        guard KnownErrors.contains(message) else {
            return world.fail("a job failed with an error that names nothing: \(message)")
        }
        inquiries[tag].outcome = .failed(message)
    }
}

extension SimulatedClient.Outcome {
    /// Whether the coordinator owes an end.
    var isUnderWay: Bool {
        switch self {
        case .sent, .accepted: true
        default: false
        }
    }

    /// Whether the question has no end yet.
    var isOpen: Bool { isUnderWay || self == .planned }
}

/// The errors with which a disturbed cluster may end a job.
enum KnownErrors {
    static let shutdown = "the coordinator is shutting down"

    private static let beginnings = [
        "worker '", "no complete cluster within ", shutdown,
        "the queue of ", "too many evaluations wait", "a worker or the plan changed",
        "the cluster cannot compute: waiting for w", "no worker that serves holds expert",
    ]

    static func contains(_ message: String) -> Bool {
        beginnings.contains { message.contains($0) }
    }
}
