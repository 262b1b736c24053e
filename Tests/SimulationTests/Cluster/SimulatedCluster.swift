import Cluster
import ClusterTesting
import Coordinator
import Foundation
import Messaging
import Model
import Placement
import Settings
import Wire
import Worker

/// How plans cut experts in one simulation.
enum Cutting {
    case none
    /// All of them into halves, so that bits stay what they are.
    case alike
    /// Some of them at some times, so that rounding may choose other tokens.
    case mixed
}

/// A whole cluster in one thread, from a seed: the daemons' own loops on a clock, a network,
/// disks and machines that are made up.
///
/// First come faults, while clients ask; then calm, in which everything must mend within a bound.
final class SimulatedCluster {
    let seed: UInt64
    let agenda = Agenda()
    let chance: Chance
    let network: SimulatedNetwork
    let story: Story
    let model: SimulatedModel
    let answers: Answers
    let cutting: Cutting
    /// Of each worker's machine.
    let memoryByteCount: UInt64
    private(set) var faults: Faults
    private(set) var failure: String?
    /// Faults that came one by one, without those that the network had all the time.
    var faultCount = 0
    private(set) var isOver = false
    private(set) lazy var coordinator = CoordinatorHost(in: self)
    private(set) lazy var workers = names.map { WorkerHost($0, in: self) }
    private(set) var clients: [SimulatedClient] = []
    private var loops: [Loop] = []
    private let names: [WorkerName]
    private let directory: TemporaryFile
    private var plansMade = 0
    private let values: [String: String]
    /// Whether the coordinator records jobs, and somebody submits such.
    private let keepsLedger: Bool
    private var durable: DurableClient?
    var shares = ShareCheck()

    /// - Parameters:
    ///   - faults: nil leaves them to the seed.
    ///   - settings: of the coordinator, in place of what the seed would have.
    ///   - workerCount: nil leaves it to the seed.
    ///   - cutting: nil leaves it to the seed where faults are left to it too.
    init(
        seed: UInt64,
        faults: Faults? = nil,
        settings: [String: String] = [:],
        workerCount wanted: Int? = nil,
        cutting wantedCutting: Cutting? = nil,
        isTold: Bool = false
    ) throws {
        self.seed = seed
        chance = Chance(seed: seed)
        story = Story(isTold: isTold)
        network = SimulatedNetwork(agenda: agenda, chance: chance)
        model = try .shared
        directory = try TemporaryFile("state")
        self.faults = faults ?? .random(chance)
        let drawn = chance.number(1...4)
        let workerCount = wanted ?? drawn
        var values = Self.settings(chance, workers: workerCount, directory: directory.path)
            .merging(settings) { _, given in given }
        // From another source, so that what else a seed draws stays as it is.
        let more = Chance(seed: ~seed)
        let isFree = faults == nil && workerCount > 1
        let isShort = isFree && more.happens(0.25)
        memoryByteCount =
            isShort ? UInt64(model.expertByteCount * more.number(70...110) / 100) : 1 << 40
        let kinds: [Cutting] = [.none, .none, .none, .alike, .mixed]
        cutting = wantedCutting ?? (isFree ? more.pick(kinds) : nil) ?? .none
        keepsLedger = isFree && more.happens(0.4)
        // Room for one job of the full context, where several may run.
        if keepsLedger, more.happens(0.5) { values["coordinator.kv-memory"] = "1" }
        answers = try cutting == .alike ? .cut : .shared
        // A shard that grows beside a lost worker's is no half any more.
        if cutting == .alike { values["coordinator.recovery-wait"] = "1h" }
        self.values = values
        names = (1...workerCount).compactMap { WorkerName(rawValue: "w\($0)") }
        network.onSend = { [unowned self] in
            story.tell("\($0.name) -> \($1.name): \(MessageText($3, at: $2))", at: agenda.now)
            shares.see($3, at: $2, by: $0, to: $1, in: self)
        }
    }

    /// A setup that the seed chooses: quick to notice, small queues.
    private static func settings(
        _ chance: Chance,
        workers: Int,
        directory: String
    ) -> [String: String] {
        let silence = chance.number(1000...5000)
        return [
            "coordinator.model": "/simulated",
            "coordinator.worker-endpoint": CoordinatorHost.workerEndpoint,
            "coordinator.client-endpoint": CoordinatorHost.clientEndpoint,
            "coordinator.data-endpoint": CoordinatorHost.dataEndpoint,
            "coordinator.state-directory": directory,
            "coordinator.workers": chance.happens(0.5)
                ? "\(workers)" : (1...workers).map { "w\($0)" }.joined(separator: ","),
            "coordinator.threads": "1",
            "coordinator.heartbeat-interval": "\(silence / 5)ms",
            "coordinator.silence-limit": "\(silence)ms",
            "coordinator.share-time": "\(chance.number(1000...8000))ms",
            "coordinator.worker-wait": "\(chance.number(1000...12000))ms",
            "coordinator.recovery-wait": "\(chance.pick([0, 500, 3000, 3_600_000]) ?? 0)ms",
            "coordinator.recovery-hold": "\(chance.number(0...10))s",
            "coordinator.running-jobs": "\(chance.number(1...6))",
            "coordinator.queued-jobs": "\(chance.pick([0, 2, 100]) ?? 0)",
            "coordinator.prefill-rows": "\(chance.number(1...40))",
            "coordinator.micro-batches": "\(chance.number(1...3))",
        ]
    }

    func settings(planPath: String?) throws -> CoordinatorSettings {
        var values = values
        values["coordinator.plan"] = planPath
        return try CoordinatorSettings.load(commandLine: values, surroundings: .simulated)
    }

    /// Where the operator's files and the coordinator's state are.
    var directoryPath: String { directory.path }

    // MARK: The course of a simulation

    /// Faults rage for so long.
    private static let troubleTime = Duration.seconds(20)
    /// In calm, all jobs under way must have ended and the cluster be whole again after this.
    ///
    /// The longest wait: 30 s after a refusal that looked permanent, a load of 3 s, the jobs' own
    /// 12 s of patience, and some more.
    static let mendingTime = Duration.seconds(60)
    /// What is asked then must be answered, rightly, within this.
    private static let answerTime = Duration.seconds(5)

    /// Runs it all; nil where every check held, else what did not.
    func run() throws -> String? {
        try run { cluster in
            try cluster.askQuestions()
            let trouble = Trouble(cluster)
            trouble.begin()
            if cluster.chance.happens(0.3), !cluster.isShortOfMemory { trouble.changePlan() }
            cluster.agenda.after(Self.troubleTime) { cluster.calmDown() }
            cluster.agenda.after(Self.troubleTime + Self.mendingTime) { cluster.checkMended() }
        }
    }

    /// Runs what `script` puts on the agenda, until it says `finish`.
    func run(script: (SimulatedCluster) throws -> Void) throws -> String? {
        if cutting == .alike { try usePlan(randomPlan()) }
        try coordinator.start()
        for worker in workers { try worker.start() }
        try script(self)
        while !isOver {
            // The step thread has the stack; all else happens while it sleeps.
            if !coordinator.runStepThread() { advance(to: .distantFuture) }
        }
        close()
        return failure
    }

    /// Ends the simulation.
    func finish() { isOver = true }

    /// A client that is there from the start.
    func makeClient(_ name: String) throws -> SimulatedClient {
        let client = SimulatedClient(name, in: self)
        clients.append(client)
        try client.start()
        return client
    }

    private func askQuestions() throws {
        let span = Int(Self.troubleTime / .microseconds(1))
        for index in 1...chance.number(1...3) {
            let client = try makeClient("client-\(index)")
            for _ in 0..<chance.number(1...8) {
                agenda.after(chance.time(0...span)) { [unowned self] in
                    let cancels = faults.has(.cancellation) && chance.happens(0.3)
                    let limit = cancels ? chance.number(1...3) : nil
                    client.ask(.random(chance), cancelAfter: limit)
                }
            }
            guard faults.has(.clientLeaves), chance.happens(0.5) else { continue }
            agenda.after(chance.time(0...span)) { client.leave() }
        }
        guard let ledger = coordinator.ledger else { return }
        let durable = DurableClient(in: self, ledger: ledger)
        self.durable = durable
        try durable.start(within: span)
    }

    /// Nil where nothing is recorded.
    func makeLedger() -> SimulatedLedger? {
        guard keepsLedger else { return nil }
        do {
            return try SimulatedLedger(in: self)
        } catch {
            fail("there is no ledger: \(error)")
            return nil
        }
    }

    /// Faults stop, and what they did to machines and network is mended from outside.
    private func calmDown() {
        note("calm")
        faults = .none
        network.weather = faults.weather
        coordinator.process.isFrozen = false
        startAgain { try self.coordinator.start() }
        for worker in workers {
            worker.process.isFrozen = false
            worker.slowness = 1
            for link in network.links(of: worker.process) {
                network.block(link, toRouter: false, toDealer: false)
            }
            startAgain { try worker.start() }
        }
    }

    private func checkMended() {
        for client in clients where client.isWaiting {
            fail("a job did not end within \(Self.mendingTime) of calm: \(client.outcomes)")
        }
        durable?.checkMended()
        let judge = SimulatedClient("judge", in: self)
        clients.append(judge)
        startAgain { try judge.start() }
        judge.ask(.job(3))
        judge.ask(.evaluation(2))
        judge.ask(.evaluation(5))
        agenda.after(Self.answerTime) { judge.askStatus() }
        agenda.after(Self.answerTime + .seconds(1)) { self.checkEnd(judge) }
    }

    private func checkEnd(_ judge: SimulatedClient) {
        defer { isOver = true }
        for outcome in judge.outcomes where outcome != .right {
            fail("in calm a job ended with \(outcome)")
        }
        guard let status = judge.lastStatus else { return fail("in calm nobody tells the status") }
        if !status.isReady { fail("in calm the cluster is not ready: \(status.text)") }
        if status.jobsQueued + status.jobsRunning > 0 {
            fail("\(status.jobsQueued) jobs queued and \(status.jobsRunning) running are left over")
        }
        ResidencyCheck.run(self)
    }

    /// A supervisor starts what has ended.
    func startAgain(_ start: () throws -> Void) {
        do {
            try start()
        } catch {
            fail("a daemon did not start: \(error)")
        }
    }

    /// Whether workers cannot hold just anything, so that no file may say what they hold.
    var isShortOfMemory: Bool { memoryByteCount < 1 << 40 }

    /// Any plan: experts with copies here and there, everywhere, or nowhere, or cut in halves.
    func randomPlan() -> Plan {
        let copies: Double = chance.pick([0.0, 0.3, 1.0]) ?? 0.0
        let layers = model.served.description.expertCounts.map { count in
            (0..<count).map { _ in
                switch cutting {
                case .none: wholeEntry(copies)
                case .alike: halvedEntry()
                case .mixed: chance.happens(0.5) ? halvedEntry() : wholeEntry(copies)
                }
            }
        }
        return Plan(epoch: Epoch(rawValue: 1), workers: names, layers: layers)
    }

    private func wholeEntry(_ copies: Double) -> ExpertEntry {
        var holders = [chance.number(0...names.count - 1)]
        while chance.happens(copies * 0.6) {
            holders.append(chance.number(0...names.count - 1))
        }
        holders = Set(holders).sorted()
        return holders.count == 1 ? .worker(holders[0]) : .replicas(holders)
    }

    private func halvedEntry() -> ExpertEntry {
        let first = chance.number(0...names.count - 1)
        let second = (first + chance.number(1...names.count - 1)) % names.count
        return .shards(
            zip([first, second], SimulatedModel.halves).map {
                Shard(worker: $0, from: $1.lowerBound, to: $1.upperBound)
            }
        )
    }

    /// A plan that the coordinator takes from its next life on.
    func usePlan(_ plan: Plan) throws {
        plansMade += 1
        let path = "\(directory.path)-plan-\(plansMade).json"
        try Data(plan.json()).write(to: URL(filePath: path))
        coordinator.planPath = path
    }

    // MARK: Time

    func add(_ loop: Loop) { loops.append(loop) }

    /// Lets the next thing happen, or time pass to `limit` where nothing does before.
    func advance(to limit: Instant) {
        let deadline = giveTurns()
        let next = agenda.next ?? .distantFuture
        let end = min(limit, deadline)
        guard next <= end else {
            guard end < .distantFuture else { return fail("nothing will ever happen again") }
            return agenda.pass(to: end)
        }
        agenda.runNext()
        if agenda.eventCount > Self.eventLimit { fail("more than \(Self.eventLimit) events") }
    }

    /// Lets everything happen that is due within `duration`.
    func run(for duration: Duration) {
        let end = agenda.now + duration
        while !isOver, agenda.now < end { advance(to: end) }
    }

    /// A busy loop, or a storm of messages, would never end.
    private static let eventLimit: UInt64 = 3_000_000

    /// Gives a turn to every loop that wants one now; returns when the next one will.
    private func giveTurns() -> Instant {
        loops.removeAll { $0.isOver && !$0.isScheduled }
        var deadline = Instant.distantFuture
        for loop in loops {
            guard let due = loop.wants(now: agenda.now) else { continue }
            if due <= agenda.now {
                loop.schedule(on: agenda, after: chance.time(1...100))
            } else {
                deadline = min(deadline, due)
            }
        }
        return deadline
    }

    /// Whether something waits in a mailbox; never as much as it can hold, for then the next
    /// would be lost.
    func hasMail<Element>(in mailbox: Mailbox<Element>) -> Bool {
        let count = mailbox.count
        if count >= mailbox.limit { fail("\(count) messages fill a mailbox") }
        return count > 0
    }

    // MARK: Reports

    func note(_ line: @autoclosure () -> String) { story.tell("*** \(line())", at: agenda.now) }

    /// The first failure counts, and ends the simulation.
    func fail(_ text: String) {
        guard failure == nil, !isOver else { return }
        failure = "after \(agenda.now.nanoseconds / 1_000_000) ms: \(text)"
        note("FAILED: \(text)")
        isOver = true
    }

    /// Lets go of everything, for the events and loops refer to each other.
    private func close() {
        agenda.close()
        network.close()
        loops = []
    }
}
