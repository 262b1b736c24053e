import Cluster
import Ledger
import Messaging
import Wire

/// What clients ask of jobs, also of those that ended in former lives.
extension ClientDesk {
    // MARK: One job

    mutating func find(_ question: FindJob, from peer: Peer) {
        let id = JobID(question.job)
        guard let id, ledger.records[id] == nil else {
            return tellFound(id, question, to: peer)
        }
        // Neither recorded nor forgotten: a job that is not durable.
        let other = LedgerQuestions.Question.find(
            id,
            name: question.job,
            follows: question.follows ? LedgerDesk.Follower(peer: peer, tag: nil) : nil,
            peer: peer
        )
        if !ledger.ask(other) { tellFound(id, question, to: peer) }
    }

    /// What is known of a job without the ledger.
    private mutating func tellFound(_ id: JobID?, _ question: FindJob, to peer: Peer) {
        let record = id.flatMap { ledger.records[$0] }
        let job = id.flatMap { jobs[$0] }
        var found = JobFound(name: question.job, job: job.map(JobReport.init))
        found.text = record?.text ?? ""
        if job == nil, let trouble = ledger.trouble { found.trouble = "\(trouble)" }
        deliver(.jobFound(found), to: peer)
        guard question.follows, let id, record != nil else { return }
        ledger.follow(id, LedgerDesk.Follower(peer: peer, tag: nil))
    }

    /// The ledger's word on one job.
    mutating func answer(_ number: UInt64, _ entry: LedgerEntry?, now: Instant) {
        guard case .find(let id, let name, let follower, let peer)? = ledger.question(number) else {
            return
        }
        // It may have been taken up meanwhile.
        if ledger.records[id] != nil {
            if let follower, follower.tag != nil { return join(id, follower) }
            let question = FindJob(job: name, follows: follower != nil)
            return tellFound(id, question, to: peer)
        }
        if let follower, entry?.state.isOver == false {
            ledger.followEarly(id, follower)
            // Who submitted hears of it when it is taken up.
            if follower.tag != nil { return }
        }
        var found = JobFound(name: name, job: entry.map(JobReport.init))
        if let entry {
            found.text = entry.text
            found.ended = Ended(recorded: entry.report)
        } else {
            found.job = jobs[id].map(JobReport.init)
        }
        if let follower, let tag = follower.tag {
            guard let job = found.job else {
                // It gave way to later ones just now, so its ticket is free.
                return refuse(follower, DurabilityError.behind, now: now)
            }
            let accepted = Accepted(
                tag: tag,
                job: job.id,
                promptTokenCount: job.promptTokenCount,
                isDurable: true
            )
            deliver(.accepted(accepted), to: peer)
            return tellEnd(found, to: peer)
        }
        deliver(.jobFound(found), to: peer)
    }

    /// To a client that submitted again what has ended.
    private mutating func tellEnd(_ found: JobFound, to peer: Peer) {
        guard let ended = found.ended else { return }
        for piece in GeneratedTokens.pieces(of: ended.job, ended.tokens, found.text) {
            deliver(.tokens(piece), to: peer)
        }
        deliver(.ended(ended), to: peer)
    }

    // MARK: All jobs

    mutating func list(for peer: Peer) {
        let question = LedgerQuestions.Question.list(count: Self.recordedListCount, peer: peer)
        guard ledger.isKept, ledger.ask(question) else {
            send(.jobs(jobReports), to: peer)
            return
        }
    }

    /// Of recorded jobs, so many are listed.
    private static let recordedListCount = 2000

    /// The ledger's list, with what is known here of jobs under way and of those not recorded.
    mutating func answer(_ number: UInt64, _ entries: [LedgerEntry]) {
        guard case .list(_, let peer)? = ledger.question(number) else { return }
        let here = jobs.all
        let known = Set(here.map(\.id))
        var reports = here.map { ($0.id, JobReport($0)) }
        reports += entries.filter { !known.contains($0.id) }.map { ($0.id, JobReport($0)) }
        reports.sort { $0.0 < $1.0 }
        send(.jobs(reports.suffix(wireLimits.listCount).map(\.1)), to: peer)
    }

    /// The ledger's word on a ticket whose job is about to be refused.
    mutating func answer(_ number: UInt64, _ id: JobID?, now: Instant) {
        guard case .owner(_, let task, let reason, let follower)? = ledger.question(number) else {
            return
        }
        if let id { return tell(of: id, follower, now: now) }
        refuse(follower, reason, task: task, now: now)
    }

    /// The ledger cannot say.
    mutating func answer(_ number: UInt64, _ trouble: LedgerError, now: Instant) {
        switch ledger.question(number) {
        case .find(_, _, let follower?, _) where follower.tag != nil:
            refuse(follower, DurabilityError.ledger(trouble), now: now)
        case .find(let id, let name, _, let peer):
            var found = JobFound(name: name, job: jobs[id].map(JobReport.init))
            if found.job == nil { found.trouble = "\(trouble)" }
            deliver(.jobFound(found), to: peer)
        case .owner(_, let task, let reason, let follower):
            refuse(follower, reason, task: task, now: now)
        case .list(_, let peer): send(.jobs(jobReports), to: peer)
        case nil: break
        }
    }
}

extension JobReport {
    init(_ job: JobTable.Job) {
        self.init(
            id: "\(job.id)",
            state: job.state,
            task: job.task,
            promptTokenCount: job.promptTokenCount,
            generatedTokenCount: job.generatedTokenCount,
            submittedAt: job.submittedAt,
            message: job.message
        )
    }

    fileprivate init(_ entry: LedgerEntry) {
        let state: JobState =
            switch entry.state {
            case .queued: .queued
            case .running: .running
            case .completed: .completed
            case .cancelled: .cancelled
            case .failed: .failed
            }
        self.init(
            id: "\(entry.id)",
            state: state,
            task: entry.task,
            promptTokenCount: entry.promptTokenCount,
            generatedTokenCount: entry.generatedTokenCount,
            submittedAt: entry.submittedAt,
            message: entry.message
        )
    }
}

extension Ended {
    /// What an entry of the ledger has; nil where it has not ended, or cannot be read.
    fileprivate init?(recorded report: [UInt8]) {
        do throws(WireError) {
            guard !report.isEmpty, case .ended(let ended) = try ClientMessage(frames: [report])
            else { return nil }
            self = ended
        } catch {
            return nil
        }
    }
}
