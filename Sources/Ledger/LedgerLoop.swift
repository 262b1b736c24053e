public import Messaging

/// The ledger's thread: writes what waits in one transaction, then answers.
///
/// New jobs that cannot be written are refused. Tokens and ends are kept until they can be, so
/// that a disk that was full for a while loses nothing.
public final class LedgerLoop {
    private let inbox: Mailbox<LedgerCommand>
    private let open: () throws(LedgerError) -> LedgerStore
    private let retryTime: Duration
    private let report: (LedgerReport) -> Void
    private var store: LedgerStore?
    private var trouble: LedgerError?
    /// Whether the loop thread was told once how the ledger is.
    private var hasTold = false
    /// Tokens and ends that could not be written yet, in order.
    private var backlog: [LedgerStore.Write] = []
    /// Whether it was told to stop, and has nothing more to do.
    public private(set) var hasStopped = false

    /// - Parameters:
    ///   - open: opens the file; tried again where it does not work.
    ///   - report: told every answer, on the ledger's thread.
    public init(
        inbox: Mailbox<LedgerCommand>,
        retryTime: Duration = LedgerLimits().retryTime,
        open: @escaping () throws(LedgerError) -> LedgerStore,
        report: @escaping (LedgerReport) -> Void
    ) {
        self.inbox = inbox
        self.retryTime = retryTime
        self.open = open
        self.report = report
    }

    /// How long to wait for commands before the next turn; nil for ever.
    public var timeout: Duration? { trouble?.isLasting == false ? retryTime : nil }

    /// Does all that waits.
    public func turn() {
        let commands = inbox.takeAll()
        openStore()
        write(commands)
        for command in commands { answer(command) }
        if commands.contains(where: \.isStop) { hasStopped = true }
    }

    private func openStore() {
        guard store == nil, trouble?.isLasting != true else { return }
        do throws(LedgerError) {
            store = try open()
            tell(nil)
        } catch {
            tell(error)
        }
    }

    private func write(_ commands: [LedgerCommand]) {
        let records = commands.compactMap(\.record)
        backlog += commands.compactMap(\.update)
        guard let store else { return refuse(records) }
        guard !records.isEmpty || !backlog.isEmpty else { return probe() }
        do throws(LedgerError) {
            // Ends after the jobs that they end, which may come in one turn.
            try write(records, to: store)
        } catch {
            tell(error)
            refuse(records)
            // Jobs may want more room than there is, what is under way less.
            if !records.isEmpty, !error.isLasting { write([]) }
        }
    }

    private func write(_ records: [LedgerJob], to store: LedgerStore) throws(LedgerError) {
        let known = try store.write(records.map { .record($0) } + backlog)
        tell(nil)
        for job in records {
            report(known[job.id].map { .known(job.id, as: $0) } ?? .recorded(job.id))
        }
        for id in backlog.compactMap(\.ended) { report(.ended(id)) }
        backlog = []
    }

    /// After trouble, without anything to write: whether reading works at least.
    private func probe() {
        guard trouble != nil, let store else { return }
        do throws(LedgerError) {
            try store.probe()
            tell(nil)
        } catch {
            tell(error)
        }
    }

    private func refuse(_ records: [LedgerJob]) {
        guard let trouble else { return }
        for job in records { report(.refused(job.id, trouble)) }
        // Nobody will ever resume these, so their ends need not wait for the disk.
        guard trouble.isLasting else { return }
        for id in backlog.compactMap(\.ended) { report(.ended(id)) }
        backlog = []
    }

    private func tell(_ trouble: LedgerError?) {
        guard !hasTold || trouble != self.trouble else { return }
        hasTold = true
        self.trouble = trouble
        report(.health(trouble))
    }

    // MARK: Questions

    private func answer(_ command: LedgerCommand) {
        do throws(LedgerError) {
            switch command {
            case .record, .append, .end, .stop: break
            case .resume(let last): report(.unfinished(try working.unfinished(after: last)))
            case .find(let id, let question):
                report(.found(try working.entry(id), question: question))
            case .owner(let ticket, let question):
                report(.owner(try working.owner(of: ticket), question: question))
            case .list(let count, let question):
                report(.list(try working.latest(count), question: question))
            }
        } catch {
            tell(error)
            switch command {
            case .find(_, let question), .owner(_, let question), .list(_, let question):
                report(.unanswered(error, question: question))
            // Who asked for jobs of former lives asks again when all is well.
            case .record, .append, .end, .resume, .stop: break
            }
        }
    }

    private var working: LedgerStore {
        get throws(LedgerError) {
            if let store { return store }
            throw trouble ?? .failed(path: "", reason: "it is not open")
        }
    }
}

extension LedgerCommand {
    fileprivate var record: LedgerJob? {
        if case .record(let job) = self { job } else { nil }
    }

    /// What is kept until it can be written.
    fileprivate var update: LedgerStore.Write? {
        switch self {
        case .append(let id, let first, let tokens): .append(id, from: first, tokens)
        case .end(let id, let ending): .end(id, ending)
        case .record, .resume, .find, .owner, .list, .stop: nil
        }
    }

    fileprivate var isStop: Bool {
        if case .stop = self { true } else { false }
    }
}

extension LedgerStore.Write {
    fileprivate var ended: JobID? {
        if case .end(let id, _) = self { id } else { nil }
    }
}
