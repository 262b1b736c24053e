import Cluster
import Generation
import Ledger
import Messaging
import Model
import Tokenizer
import Wire

/// Durable jobs: recorded before they are acknowledged, ended when that is on disk, and taken up
/// again by the next life of the coordinator.
extension ClientDesk {
    // MARK: Taken

    /// What a client asks for that outlives it.
    mutating func submitDurably(
        _ submit: Submit,
        from peer: Peer,
        owner: String,
        now: Instant
    ) {
        let follower = LedgerDesk.Follower(peer: peer, tag: submit.tag)
        if let id = ledger.job(of: submit.ticket) { return join(id, follower) }
        var submit = submit
        submit.chooseSeed()
        let order: JobOrder
        do {
            try checkLedger(submit)
            order = try self.order(submit, owner: owner)
            try check([order])
        } catch {
            return refuse(submit, error, follower, now: now)
        }
        let job = add(order, for: nil, now: now)
        let entry = LedgerJob(
            id: job.id,
            ticket: submit.ticket,
            task: submit.task,
            owner: owner,
            promptTokenCount: job.promptTokenCount,
            submittedAt: job.submittedAt,
            model: "\(served.identity)",
            request: ClientMessage.submit(submit).encode()[0]
        )
        guard !ledger.record(entry, order, for: follower) else { return }
        jobs.forget(job.id)
        refuse(follower, DurabilityError.behind, task: submit.task, now: now)
    }

    /// Refuses, unless the ticket names a job already: that one was acknowledged, though it may
    /// still wait to be taken up, or have ended long ago.
    private mutating func refuse(
        _ submit: Submit,
        _ error: any Error,
        _ follower: LedgerDesk.Follower,
        now: Instant
    ) {
        if let ticket = submit.ticket, ticket.utf8.count <= LedgerDesk.ticketByteCount,
            ledger.ask(
                .owner(ticket: ticket, task: submit.task, reason: error, follower: follower)
            )
        {
            return
        }
        refuse(follower, error, task: submit.task, now: now)
    }

    private func checkLedger(_ submit: Submit) throws(DurabilityError) {
        guard ledger.isKept else { throw .notKept }
        if let trouble = ledger.trouble { throw .ledger(trouble) }
        guard submit.ticket?.utf8.count ?? 0 <= LedgerDesk.ticketByteCount else {
            throw .ticketTooLong(byteCount: LedgerDesk.ticketByteCount)
        }
    }

    /// A client wants to hear of a job that is under way already.
    mutating func join(_ id: JobID, _ follower: LedgerDesk.Follower) {
        guard let record = ledger.records[id], let job = jobs[id] else { return }
        ledger.follow(id, follower)
        guard record.order == nil else { return }
        if let tag = follower.tag { tellAccepted(tag, job, to: follower.peer, isDurable: true) }
        for piece in GeneratedTokens.pieces(of: "\(id)", record.tokens, record.text) {
            deliver(.tokens(piece), to: follower.peer)
        }
    }

    // MARK: From the ledger

    mutating func receive(_ report: LedgerReport, now: Instant) {
        switch report {
        case .health(let trouble):
            story.ledger(trouble)
            ledger.onHealth(trouble)
        case .recorded(let id): begin(id, now: now)
        case .known(let id, let other): replace(id, by: other, now: now)
        case .refused(let id, let error): drop(id, error, now: now)
        case .ended(let id): finish(id, now: now)
        case .unfinished(let jobs): ledger.onUnfinished(jobs)
        case .found(let entry, let number): answer(number, entry, now: now)
        case .owner(let id, let number): answer(number, id, now: now)
        case .list(let entries, let number): answer(number, entries)
        case .unanswered(let error, let number): answer(number, error, now: now)
        }
    }

    /// A job is on disk: now it is acknowledged and computed.
    private mutating func begin(_ id: JobID, now: Instant) {
        guard let job = jobs[id], let order = ledger.begin(id) else { return }
        story.accepted(job)
        for follower in ledger.records[id]?.followers ?? [] {
            guard let tag = follower.tag else { continue }
            tellAccepted(tag, job, to: follower.peer, isDurable: true)
        }
        guard ledger.records[id]?.isCancelled == false else {
            var result = GenerationResult.failedBeforeStart("", order.request)
            result.reason = .cancelled
            return end(id, result, rows: [], now: now)
        }
        _ = steps.post(.generate(id, order.request, task: order.task))
    }

    /// A job's ticket named another already: its clients hear of that one.
    private mutating func replace(_ id: JobID, by other: JobID, now: Instant) {
        jobs.forget(id)
        for follower in ledger.remove(id)?.followers ?? [] { tell(of: other, follower, now: now) }
    }

    /// A client hears of a job that is known already, here or in the ledger.
    mutating func tell(of id: JobID, _ follower: LedgerDesk.Follower, now: Instant) {
        guard ledger.records[id] == nil else { return join(id, follower) }
        let question = LedgerQuestions.Question.find(
            id,
            name: "\(id)",
            follows: follower,
            peer: follower.peer
        )
        if !ledger.ask(question) { refuse(follower, DurabilityError.behind, now: now) }
    }

    /// Tells a client that submitted; one that only asked to follow hears nothing.
    mutating func refuse(
        _ follower: LedgerDesk.Follower,
        _ error: any Error,
        task: String? = nil,
        now: Instant
    ) {
        guard let tag = follower.tag else { return }
        reject(task, for: .remote(follower.peer, tag: tag), error, now: now)
    }

    /// The ledger did not take a job in.
    private mutating func drop(_ id: JobID, _ error: LedgerError, now: Instant) {
        let reason = "\(error)"
        guard let job = jobs[id], let record = ledger.remove(id) else { return }
        figures.countRefusal()
        story.refused(id, reason, now: now)
        let result = GenerationResult.failedBeforeStart(reason, GenerationRequest(prompt: []))
        jobs.end(id, result)
        for follower in record.followers {
            if let tag = follower.tag { tellAccepted(tag, job, to: follower.peer) }
            var ended = Ended(id, result, rows: [])
            ended.retryAfter = DurabilityError.ledger(error).retryAfter
            deliver(.ended(ended), to: follower.peer)
        }
    }

    // MARK: Told about

    /// Tells all who follow a durable job.
    mutating func tellFollowers(_ event: GenerationEvent, of id: JobID, now: Instant) {
        switch event {
        case .token(let token, let text): ledger.add([token], text, to: id, now: now)
        case .text(let text): ledger.add([], text, to: id, now: now)
        case .scores, .prefill, .ended: break
        }
        for follower in ledger.records[id]?.followers ?? []
        where !tell(event, of: id, to: follower.peer) {
            ledger.dismiss(follower, of: id)
        }
    }

    /// Nothing more is computed: the end goes to the ledger first.
    mutating func endDurably(
        _ id: JobID,
        _ result: GenerationResult,
        rows: [WorkerRows],
        now: Instant
    ) {
        guard let record = ledger.records[id], record.end == nil else { return }
        // The next life goes on with what this one leaves; nobody hears of an end.
        if isClosed, case .failed = result.reason { return }
        let told = Ended(id, result, rows: rows)
        let entry = LedgerEnding(
            state: LedgerState(result.reason),
            tokenCount: result.tokens.count,
            message: told.message,
            text: record.text,
            report: ClientMessage.ended(told).encode()[0]
        )
        ledger.end(id, LedgerDesk.End(result: result, told: told, entry: entry), now: now)
    }

    /// The end is on disk.
    private mutating func finish(_ id: JobID, now: Instant) {
        guard let job = jobs[id], let record = ledger.remove(id), let end = record.end else {
            return
        }
        story.ended(id, end.result)
        figures.countEnd(end.result, job.times, now: now)
        jobs.end(id, end.result)
        for follower in record.followers { deliver(.ended(end.told), to: follower.peer) }
    }

    // MARK: Jobs of former lives

    /// Hands over what was generated, and takes up a job of a former life where there is room.
    mutating func tendLedger(now: Instant) {
        ledger.postAll(now: now)
        if hasRoom, !isClosed, let job = ledger.nextToResume() { resume(job, now: now) }
    }

    private var hasRoom: Bool { jobs.queuedCount + jobs.runningCount < queueLimit }

    /// When `tendLedger` is to be called at the latest.
    func ledgerDeadline(now: Instant) -> Instant? {
        ledger.deadline(now: now, hasRoom: hasRoom && !isClosed)
    }

    private mutating func resume(_ entry: LedgerJob, now: Instant) {
        let job = jobs.add(
            id: entry.id,
            client: nil,
            task: entry.task,
            promptTokenCount: entry.promptTokenCount,
            submittedAt: entry.submittedAt,
            now: now
        )
        jobs[job.id]?.generatedTokenCount = entry.tokens.count
        story.resumed(job.id, tokenCount: entry.tokens.count)
        for follower in ledger.records[job.id]?.followers ?? [] {
            if let tag = follower.tag { tellAccepted(tag, job, to: follower.peer, isDurable: true) }
            // Their text comes when it has been decoded again.
            for piece in GeneratedTokens.pieces(of: "\(job.id)", entry.tokens, "") {
                deliver(.tokens(piece), to: follower.peer)
            }
        }
        do {
            let request = try request(of: entry)
            _ = steps.post(.generate(job.id, request, task: entry.task))
        } catch {
            var result = GenerationResult.failedBeforeStart("\(error)", .init(prompt: []))
            result.tokens = entry.tokens
            result.promptTokenCount = entry.promptTokenCount
            end(job.id, result, rows: [], now: now)
        }
    }

    private func request(of entry: LedgerJob) throws -> GenerationRequest {
        guard entry.model == "\(served.identity)" else {
            throw DurabilityError.otherModel(wanted: entry.model, served: "\(served.identity)")
        }
        guard case .submit(let submit) = try ClientMessage(frames: [entry.request]) else {
            throw DurabilityError.noRequest
        }
        var request = try GenerationRequest(submit, tokenizer: served.tokenizer)
        request.resumed = entry.tokens
        request.owner = entry.owner
        try request.validate(
            contextLength: contextLength,
            vocabularyCount: served.description.vocabularyCount
        )
        return request
    }

    /// Takes a job up before its turn, because somebody wants to end it.
    mutating func hurry(_ id: JobID, now: Instant) {
        guard ledger.hurry(id), let job = ledger.nextToResume() else { return }
        resume(job, now: now)
    }
}

/// Why a job cannot be durable, or cannot be taken up again.
enum DurabilityError: Error, Equatable, CustomStringConvertible {
    /// There is no ledger here.
    case notKept
    case ledger(LedgerError)
    /// More waits to be written than may wait.
    case behind
    case ticketTooLong(byteCount: Int)
    case otherModel(wanted: String, served: String)
    /// What is recorded is no request.
    case noRequest

    /// When it may be tried again; nil where that does not help.
    var retryAfter: Duration? {
        switch self {
        case .behind: .seconds(1)
        case .ledger(let error): error.isLasting ? nil : .seconds(5)
        case .notKept, .ticketTooLong, .otherModel, .noRequest: nil
        }
    }

    var description: String {
        switch self {
        case .notKept: "this coordinator keeps no job ledger; submit without durability"
        case .ledger(let error): error.description
        case .behind: "the disk of the job ledger does not keep up; try again later"
        case .ticketTooLong(let count): "the ticket is longer than \(count) bytes; shorten it"
        case .otherModel(let wanted, let served):
            "the job was taken in for another model (\(wanted)) than is served now (\(served)); "
                + "submit it again"
        case .noRequest: "the job's record holds no request; submit it again"
        }
    }
}

extension LedgerState {
    fileprivate init(_ reason: GenerationResult.Reason) {
        switch reason {
        case .stop, .length: self = .completed
        case .cancelled: self = .cancelled
        case .failed: self = .failed
        }
    }
}

extension Submit {
    /// What is drawn must be drawn again in the next life.
    fileprivate mutating func chooseSeed() {
        sampling.seed = sampling.seed ?? UInt64.random(in: .min ... .max)
    }
}

extension GeneratedTokens {
    /// Tokens of one message: far below its limit.
    private static let pieceTokenCount = 4096
    private static let pieceTextCount = 16384

    /// A beginning of an answer as messages of bounded length.
    static func pieces(
        of job: String,
        _ tokens: [Int32],
        _ text: String
    ) -> [GeneratedTokens] {
        var pieces: [GeneratedTokens] = []
        var tokens = tokens[...]
        var text = text[...]
        while !tokens.isEmpty || !text.isEmpty {
            let piece = GeneratedTokens(
                job: job,
                tokens: Array(tokens.prefix(pieceTokenCount)),
                text: String(text.prefix(pieceTextCount))
            )
            pieces.append(piece)
            tokens = tokens.dropFirst(pieceTokenCount)
            text = text.dropFirst(pieceTextCount)
        }
        return pieces
    }
}
