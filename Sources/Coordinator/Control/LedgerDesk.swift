import Cluster
import Generation
import Ledger
import Messaging
import Wire

/// Durable jobs under way: what clients are told of them, and what the ledger has been.
///
/// Decides nothing about computing. Whoever calls it says the time, sends what it returns, and
/// hands the ledger's answers in.
struct LedgerDesk {
    /// A client that hears of a job.
    struct Follower: Equatable {
        let peer: Peer
        /// Its own number for the job, where it submitted it.
        let tag: UInt64?
    }

    /// How a job ended, from when nothing more is computed until that is on disk.
    struct End {
        let result: GenerationResult
        let told: Ended
        let entry: LedgerEnding
        /// Whether the ledger took it in; its queue may be full.
        var isPosted = false
    }

    /// One durable job of this life, or taken up from a former one.
    struct Record {
        let ticket: String?
        /// Until it is on disk, when it is computed.
        var order: JobOrder?
        /// Nobody wants it any more, while it is not yet on disk.
        var isCancelled = false
        fileprivate(set) var followers: [Follower] = []
        /// The answer so far.
        fileprivate(set) var text = ""
        fileprivate(set) var tokens: [Int32] = []
        /// Of the tokens, how many the ledger was told.
        fileprivate var postedCount = 0
        fileprivate(set) var end: End?
    }

    private let inbox: Mailbox<LedgerCommand>?
    private let life: UInt32
    private(set) var records: [JobID: Record] = [:]
    private var tickets: [String: JobID] = [:]
    /// Why nothing is recorded; nil where all is well.
    private(set) var trouble: LedgerError?
    /// Jobs of former lives that are to be taken up, and who waits for which.
    private var waiting: [LedgerJob] = []
    private var early: [JobID: [Follower]] = [:]
    private var resumption = Resumption.none
    private var nextPosting: Instant?
    private var questions = LedgerQuestions()

    /// How far reading the jobs of former lives is.
    private enum Resumption: Equatable {
        case none
        case asked(after: JobID?)
        case read(upTo: JobID)
        case done
    }

    /// Tokens are recorded so often; what a crash takes is computed again.
    static let postingTime = Duration.milliseconds(500)
    /// Bytes of a ticket: it stands in the ledger's index.
    static let ticketByteCount = 128
    /// Clients that may follow one job; the oldest gives way.
    static let followerLimit = 64
    /// Jobs of former lives that clients may wait for before they are taken up.
    private static let earlyLimit = 4096

    /// - Parameter inbox: nil where nothing is recorded.
    init(inbox: Mailbox<LedgerCommand>?, life: UInt32) {
        self.inbox = inbox
        self.life = life
    }

    var isKept: Bool { inbox != nil }

    /// When to call `post` and `nextToResume` at the latest.
    func deadline(now: Instant, hasRoom: Bool) -> Instant? {
        hasRoom && !waiting.isEmpty ? now : nextPosting
    }

    func job(of ticket: String?) -> JobID? { ticket.flatMap { tickets[$0] } }

    // MARK: A job's life

    /// Hands a new job to the ledger.
    ///
    /// - Returns: false where it cannot take it now.
    mutating func record(_ job: LedgerJob, _ order: JobOrder, for follower: Follower) -> Bool {
        guard let inbox, inbox.post(.record(job)) else { return false }
        var record = Record(ticket: job.ticket, order: order)
        record.followers = [follower]
        records[job.id] = record
        if let ticket = job.ticket { tickets[ticket] = job.id }
        return true
    }

    /// A job is on disk, or was taken up from there: it is to be computed from now on.
    mutating func begin(_ id: JobID) -> JobOrder? {
        defer { records[id]?.order = nil }
        return records[id]?.order
    }

    mutating func cancelUnrecorded(_ id: JobID) { records[id]?.isCancelled = true }

    /// What was generated since the last time.
    mutating func add(_ tokens: [Int32], _ text: String, to id: JobID, now: Instant) {
        records[id]?.tokens += tokens
        records[id]?.text += text
        if !tokens.isEmpty { nextPosting = nextPosting ?? now + Self.postingTime }
    }

    /// Nothing more is computed.
    mutating func end(_ id: JobID, _ end: End, now: Instant) {
        records[id]?.end = end
        if !post(id) { nextPosting = nextPosting ?? now + Self.postingTime }
    }

    /// Forgets a job that is not under way any more; who followed it.
    mutating func remove(_ id: JobID) -> Record? {
        let record = records.removeValue(forKey: id)
        if let ticket = record?.ticket, tickets[ticket] == id { tickets[ticket] = nil }
        return record
    }

    // MARK: Followers

    mutating func follow(_ id: JobID, _ follower: Follower) {
        guard records[id]?.followers.contains(follower) == false else { return }
        records[id]?.followers.append(follower)
        if records[id]?.followers.count ?? 0 > Self.followerLimit {
            records[id]?.followers.removeFirst()
        }
    }

    /// Follows a job that is not taken up yet.
    mutating func followEarly(_ id: JobID, _ follower: Follower) {
        guard early.count < Self.earlyLimit || early[id] != nil else { return }
        early[id] = ((early[id] ?? []) + [follower]).suffix(Self.followerLimit)
    }

    mutating func dismiss(_ follower: Follower, of id: JobID) {
        records[id]?.followers.removeAll { $0 == follower }
    }

    // MARK: Telling the ledger

    /// Hands over what was generated since the last time.
    mutating func postAll(now: Instant) {
        guard let due = nextPosting, due <= now else { return }
        nextPosting = nil
        for id in records.keys.sorted() {
            guard !post(id) else { continue }
            nextPosting = now + Self.postingTime
        }
    }

    /// Hands over everything, for there will be no next time.
    mutating func postRest() {
        for id in records.keys.sorted() { post(id) }
    }

    /// - Returns: false where the ledger's queue is full.
    @discardableResult
    private mutating func post(_ id: JobID) -> Bool {
        guard var record = records[id], let inbox else { return true }
        defer { records[id] = record }
        let first = record.postedCount
        if first < record.tokens.count {
            let tokens = Array(record.tokens[first...])
            guard inbox.post(.append(id, from: first, tokens)) else { return false }
            record.postedCount = record.tokens.count
        }
        guard let end = record.end, !end.isPosted else { return true }
        let isPosted = inbox.post(.end(id, end.entry))
        record.end?.isPosted = isPosted
        return isPosted
    }

    // MARK: Jobs of former lives

    /// How the ledger is; where it works, the jobs of former lives are asked for.
    mutating func onHealth(_ trouble: LedgerError?) {
        self.trouble = trouble
        guard trouble == nil else { return }
        switch resumption {
        case .none, .asked: ask(after: nil)
        case .read, .done: break
        }
    }

    private mutating func ask(after last: JobID?) {
        var last = last
        if case .asked(let former) = resumption { last = former }
        resumption = .asked(after: last)
        _ = inbox?.post(.resume(after: last))
    }

    mutating func onUnfinished(_ jobs: [LedgerJob]) {
        guard case .asked = resumption else { return }
        let former = jobs.filter { $0.id.life < life }
        waiting += former
        guard former.count == jobs.count, let last = former.last else { return resumption = .done }
        resumption = .read(upTo: last.id)
    }

    /// The next job of a former life, which is under way from now on.
    mutating func nextToResume() -> LedgerJob? {
        guard !waiting.isEmpty else { return nil }
        let job = waiting.removeFirst()
        if waiting.isEmpty, case .read(let last) = resumption { ask(after: last) }
        var record = Record(ticket: job.ticket)
        record.tokens = job.tokens
        record.postedCount = job.tokens.count
        record.followers = early.removeValue(forKey: job.id) ?? []
        records[job.id] = record
        if let ticket = job.ticket { tickets[ticket] = job.id }
        return job
    }

    /// Whether it is still to be taken up; it is the next one then.
    mutating func hurry(_ id: JobID) -> Bool {
        guard let index = waiting.firstIndex(where: { $0.id == id }) else { return false }
        waiting.swapAt(0, index)
        return true
    }

    // MARK: Questions

    /// Asks the ledger for a client.
    ///
    /// - Returns: false where it cannot be asked.
    mutating func ask(_ question: LedgerQuestions.Question) -> Bool {
        guard let inbox, trouble == nil else { return false }
        return questions.ask(question, inbox)
    }

    mutating func question(_ number: UInt64) -> LedgerQuestions.Question? {
        questions.take(number)
    }
}

/// Who asked the ledger what.
struct LedgerQuestions {
    enum Question {
        case find(JobID, name: String, follows: LedgerDesk.Follower?, peer: Peer)
        /// Whether what would be refused has been taken in before.
        case owner(
            ticket: String,
            task: String?,
            reason: any Error,
            follower: LedgerDesk.Follower
        )
        case list(count: Int, peer: Peer)
    }

    private var lastNumber: UInt64 = 0
    private var asked: [UInt64: Question] = [:]

    /// Answers that may be awaited.
    private static let limit = 4096

    fileprivate mutating func ask(_ question: Question, _ inbox: Mailbox<LedgerCommand>) -> Bool {
        guard asked.count < Self.limit else { return false }
        lastNumber += 1
        let command: LedgerCommand =
            switch question {
            case .find(let id, _, _, _): .find(id, question: lastNumber)
            case .owner(let ticket, _, _, _): .owner(ticket: ticket, question: lastNumber)
            case .list(let count, _): .list(count: count, question: lastNumber)
            }
        guard inbox.post(command) else { return false }
        asked[lastNumber] = question
        return true
    }

    fileprivate mutating func take(_ number: UInt64) -> Question? {
        asked.removeValue(forKey: number)
    }
}
