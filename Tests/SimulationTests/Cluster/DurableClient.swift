import Cluster
import Ledger
import Wire

/// A client whose jobs must outlive every life of the coordinator: it submits each with a ticket,
/// again after every loss, and checks that it is one job, on disk when it is acknowledged, and that
/// it ends once, on disk when that is told.
final class DurableClient {
    private struct Order {
        let index: Int
        let priority: Int
        /// Whether the client changes its mind.
        let isCancelled: Bool
        var job: String?
        /// Of this connection.
        var tokens: [Int32] = []
        var isEndTold = false
        var end: Ended?
        /// It was refused, before it was recorded.
        var refusal: String?
        var isSent = false

        var isOpen: Bool { isSent && end == nil && refusal == nil }
    }

    private unowned let world: SimulatedCluster
    private let ledger: SimulatedLedger
    private let line: ClientLine
    private let chance: Chance
    private var orders: [Order] = []
    private var isWelcome = false

    init(in world: SimulatedCluster, ledger: SimulatedLedger) {
        self.world = world
        self.ledger = ledger
        line = ClientLine("durable", in: world)
        chance = Chance(seed: world.seed &* 17 &+ 3)
    }

    /// - Parameter span: microseconds in which jobs are submitted.
    func start(within span: Int) throws {
        try line.open(onBreak: { [weak self] in self?.lose() }) { [weak self] in self?.handle($0) }
        for number in 0..<chance.number(1...6) {
            let isLong = chance.happens(0.4)
            let index =
                isLong
                ? Question.jobCount + chance.number(0...Question.longJobCount - 1)
                : chance.number(0...Question.jobCount - 1)
            orders.append(
                Order(
                    index: index,
                    priority: chance.number(-1...1),
                    isCancelled: chance.happens(0.2)
                )
            )
            world.agenda.after(chance.time(0...span)) { [weak self] in self?.submit(number) }
        }
    }

    private func submit(_ number: Int) {
        orders[number].isSent = true
        orders[number].tokens = []
        orders[number].isEndTold = false
        guard isWelcome,
            case .submit(var submit) = Question.job(orders[number].index)
                .message(tag: UInt64(number))
        else { return }
        submit.isDurable = true
        submit.ticket = "ticket-\(number)"
        submit.priority = orders[number].priority
        line.send(.submit(submit))
    }

    private func lose() {
        line.receiveAll()
        isWelcome = false
    }

    // MARK: Being answered

    private func handle(_ message: ClientMessage) {
        switch message {
        case .clientWelcome:
            isWelcome = true
            for number in orders.indices where orders[number].isOpen { submit(number) }
        case .accepted(let accepted): accept(accepted)
        case .tokens(let tokens): add(tokens)
        case .ended(let ended): end(ended)
        case .progress, .cancelReply: break
        default: world.fail("\(line.process.name) got \(message)")
        }
    }

    private func accept(_ accepted: Accepted) {
        let number = Int(accepted.tag)
        guard orders.indices.contains(number) else {
            return world.fail("tag \(number) is nobody's")
        }
        if accepted.isDurable, ledger.entry(accepted.job) == nil {
            world.fail("\(accepted.job) was acknowledged and is not on disk")
        }
        if let job = orders[number].job, accepted.isDurable, job != accepted.job {
            world.fail("ticket \(number) is \(job) and \(accepted.job)")
        }
        orders[number].job = accepted.job
        if orders[number].isCancelled { line.send(.cancel(Cancel(job: accepted.job))) }
    }

    private func number(of job: String) -> Int? { orders.firstIndex { $0.job == job } }

    private func right(_ order: Order) -> [Int32]? {
        world.cutting == .mixed ? nil : world.answers.tokens(ofJob: order.index)
    }

    private func add(_ tokens: GeneratedTokens) {
        guard let number = number(of: tokens.job) else { return }
        orders[number].tokens += tokens.tokens
        let told = orders[number].tokens
        guard let right = right(orders[number]), !right.starts(with: told) else { return }
        world.fail("\(tokens.job) made \(told) instead of \(right)")
    }

    private func end(_ ended: Ended) {
        guard let number = number(of: ended.job) else {
            return world.fail("\(ended.job) ended, but was never submitted")
        }
        let order = orders[number]
        guard !order.isEndTold else { return world.fail("\(ended.job) ended twice") }
        orders[number].isEndTold = true
        guard let entry = ledger.entry(ended.job) else {
            guard ended.outcome == .failed else { return world.fail("\(ended.job) is not on disk") }
            orders[number].refusal = ended.message
            return
        }
        if !entry.state.isOver { world.fail("\(ended.job) ended, and not on disk") }
        if let end = order.end, end != ended {
            world.fail("\(ended.job) ended as \(end) and \(ended)")
        }
        orders[number].end = ended
        check(ended, order)
    }

    private func check(_ ended: Ended, _ order: Order) {
        switch ended.outcome {
        case .completed:
            if let right = right(order), right != ended.tokens {
                world.fail("\(ended.job) ended with \(ended.tokens) instead of \(right)")
            }
        case .cancelled:
            if !order.isCancelled { world.fail("\(ended.job) was cancelled by nobody") }
        case .failed:
            if !KnownErrors.contains(ended.message) {
                world.fail("a job failed with an error that names nothing: \(ended.message)")
            }
            // It is recorded, so the next life goes on with it.
            if ended.message.contains(KnownErrors.shutdown) {
                world.fail("\(ended.job) was ended by a coordinator that stopped")
            }
        }
    }

    // MARK: At the end

    /// In calm every job has ended, and each of them is one entry of the ledger.
    func checkMended() {
        for order in orders where order.isOpen {
            world.fail("durable \(order.job ?? "job") did not end within the time of mending")
        }
        let entries = ledger.all()
        for entry in entries where !entry.state.isOver {
            world.fail("\(entry.id) is left over in the ledger")
        }
        let recorded = orders.filter { $0.end != nil }
        if Set(recorded.map(\.job)).count != recorded.count || entries.count != recorded.count {
            world.fail("\(entries.count) jobs are recorded, \(recorded.count) were submitted")
        }
    }
}
