import Cluster
import Foundation
import Generation
import Ledger
import Messaging
import Model
import Tokenizer
import Wire

/// Jobs: taken, told about, ended. Clients elsewhere and in this process differ only in how they
/// ask and how they are told.
extension ClientDesk {
    // MARK: Taken

    /// What a client elsewhere asks for.
    ///
    /// - Parameter owner: among whose jobs it counts; empty where clients have no keys.
    mutating func submit(_ submit: Submit, from peer: Peer, owner: String, now: Instant) {
        guard !submit.isDurable else {
            return submitDurably(submit, from: peer, owner: owner, now: now)
        }
        let client = JobClient.remote(peer, tag: submit.tag)
        let order: JobOrder
        do {
            order = try self.order(submit, owner: owner)
            try check([order])
        } catch {
            return reject(submit.task, for: client, error, now: now)
        }
        let job = add(order, for: client, now: now)
        tellAccepted(submit.tag, job, to: peer)
        _ = steps.post(.generate(job.id, order.request, task: order.task))
    }

    func order(_ submit: Submit, owner: String) throws -> JobOrder {
        guard Submit.priorities.contains(submit.priority) else {
            throw JobRefusal.noPriority(submit.priority)
        }
        var request = try GenerationRequest(submit, tokenizer: served.tokenizer)
        request.owner = owner
        return JobOrder(request: request, task: submit.task)
    }

    /// What a client in this process asks for: all or none.
    mutating func submit(_ orders: [JobOrder], from client: LocalClient, now: Instant) {
        do throws(JobRefusal) {
            try check(orders)
        } catch {
            figures.countRefusal()
            story.refused(nil, "\(error)", now: now)
            _ = client.tell(.refused(error))
            return client.finish()
        }
        let jobs = orders.enumerated().map { choice, order in
            add(order, for: .local(client, choice: choice), now: now)
        }
        guard client.tell(.accepted(jobs.map { "\($0.id)" })) else { return forget(jobs, now: now) }
        for (job, order) in zip(jobs, orders) {
            _ = steps.post(.generate(job.id, order.request, task: order.task))
        }
    }

    /// Whether all of these can be taken now.
    func check(_ orders: [JobOrder]) throws(JobRefusal) {
        guard !isClosed else { throw .shuttingDown }
        for order in orders {
            guard order.task?.utf8.count ?? 0 <= Self.taskByteCount else {
                throw .taskTooLong(byteCount: Self.taskByteCount)
            }
            do throws(RequestError) {
                try order.request.validate(
                    contextLength: contextLength,
                    vocabularyCount: served.description.vocabularyCount
                )
            } catch {
                throw .invalid(error)
            }
        }
        guard jobs.queuedCount + jobs.runningCount + orders.count <= queueLimit else {
            throw .queueFull(queueLimit)
        }
        for owner in Set(orders.compactMap(\.owner)) {
            let wanted = orders.count { $0.owner == owner }
            guard let limit = owner.jobLimit else { continue }
            guard jobs.count(of: owner) + wanted <= limit else {
                throw .tooManyJobs(limit: limit)
            }
        }
    }

    mutating func add(
        _ order: JobOrder,
        for client: JobClient?,
        now: Instant
    ) -> JobTable.Job {
        let job = jobs.add(
            client: client,
            task: order.task,
            owner: order.owner,
            promptTokenCount: order.request.prompt.count,
            submittedAt: Self.secondsSince1970,
            objective: order.objective,
            now: now
        )
        // Durable ones are acknowledged when they are on disk.
        if client != nil { story.accepted(job) }
        return job
    }

    /// Accepts and ends at once, so that a client waits for one kind of end only.
    mutating func reject(
        _ task: String?,
        for client: JobClient,
        _ error: any Error,
        now: Instant
    ) {
        let message = "\(error)"
        let job = jobs.add(
            client: client,
            task: task,
            promptTokenCount: 0,
            submittedAt: Self.secondsSince1970,
            now: now
        )
        let result = GenerationResult.failedBeforeStart(message, GenerationRequest(prompt: []))
        figures.countRefusal()
        story.refused(job.id, message, now: now)
        jobs.end(job.id, result)
        guard case .remote(let peer, let tag) = client else { return }
        tellAccepted(tag, job, to: peer)
        var ended = Ended(job.id, result, rows: [])
        ended.retryAfter =
            (error as? JobRefusal)?.retryAfter ?? (error as? DurabilityError)?.retryAfter
        deliver(.ended(ended), to: peer)
    }

    mutating func tellAccepted(
        _ tag: UInt64,
        _ job: JobTable.Job,
        to peer: Peer,
        isDurable: Bool = false
    ) {
        let accepted = Accepted(
            tag: tag,
            job: "\(job.id)",
            promptTokenCount: job.promptTokenCount,
            isDurable: isDurable
        )
        deliver(.accepted(accepted), to: peer)
    }

    private static var secondsSince1970: UInt64 {
        UInt64(max(0, Date().timeIntervalSince1970))
    }

    // MARK: Cancelled

    mutating func cancel(_ cancel: Cancel, from client: Peer, now: Instant) {
        JobID(cancel.job).map { hurry($0, now: now) }
        let job = jobs.job(named: cancel.job)
        let isUnderWay = job.map { !$0.isOver } ?? false
        if let job, isUnderWay { stop(job.id) }
        let reply = CancelReply(
            job: cancel.job,
            isCancelled: isUnderWay,
            message: job == nil ? "no such job" : isUnderWay ? "" : "the job has ended"
        )
        send(.cancelReply(reply), to: client)
    }

    /// A client in this process wants no more of its jobs.
    mutating func leave(_ client: LocalClient) {
        for id in jobs.jobs(of: client) { stop(id) }
    }

    /// Ends jobs that the step thread never heard of, for a client that left meanwhile.
    private mutating func forget(_ jobs: [JobTable.Job], now: Instant) {
        for job in jobs {
            var result = GenerationResult.failedBeforeStart("", GenerationRequest(prompt: []))
            result.reason = .cancelled
            end(job.id, result, rows: [], now: now)
        }
    }

    /// Tells the step thread, once.
    private mutating func stop(_ id: JobID) {
        guard jobs[id]?.isCancelling == false else { return }
        guard ledger.records[id]?.order == nil else { return ledger.cancelUnrecorded(id) }
        let isTold = steps.post(.cancel(id))
        jobs[id]?.isCancelling = isTold
    }

    /// Takes no more jobs.
    mutating func close() { isClosed = true }

    /// Ends what the step thread left, so that no client waits for ever.
    ///
    /// Durable jobs do not end: the next life goes on with them.
    mutating func endAll(_ message: String, now: Instant) {
        ledger.postRest()
        for id in jobs.underWay {
            let result = GenerationResult.failedBeforeStart(message, GenerationRequest(prompt: []))
            end(id, result, rows: [], now: now)
        }
    }

    // MARK: Told about, from the step thread

    mutating func handle(_ event: GenerationEvent, of id: JobID, now: Instant) {
        guard var job = jobs[id], !job.isOver else { return }
        job.state = .running
        if case .token = event {
            job.generatedTokenCount += 1
            figures.countToken(&job.times, now: now)
        }
        jobs[id] = job
        guard ledger.records[id] == nil else { return tellFollowers(event, of: id, now: now) }
        // Who is gone, or reads nothing, wants no more of it.
        if !tell(event, of: job) { stop(id) }
    }

    private mutating func tell(_ event: GenerationEvent, of job: JobTable.Job) -> Bool {
        switch job.client {
        case .remote(let peer, _): tell(event, of: job.id, to: peer)
        case .local(let client, let choice): client.tell(.event(choice: choice, event))
        case nil: true
        }
    }

    mutating func tell(_ event: GenerationEvent, of id: JobID, to peer: Peer) -> Bool {
        switch event {
        case .scores: return true  // No message of this protocol asks for them.
        case .prefill(let done, let total):
            let progress = PromptProgress(
                job: "\(id)",
                promptTokensDone: done,
                promptTokenCount: total
            )
            send(.progress(progress), to: peer)
            return true
        case .token(let token, let text):
            let tokens = GeneratedTokens(job: "\(id)", tokens: [token], text: text)
            return deliver(.tokens(tokens), to: peer)
        case .text(let text):
            return deliver(.tokens(GeneratedTokens(job: "\(id)", tokens: [], text: text)), to: peer)
        case .ended: return true  // Comes as a report of its own, with the workers' rows.
        }
    }

    mutating func end(_ id: JobID, _ result: GenerationResult, rows: [WorkerRows], now: Instant) {
        guard let job = jobs[id], !job.isOver else { return }
        guard ledger.records[id] == nil else {
            return endDurably(id, result, rows: rows, now: now)
        }
        story.ended(id, result)
        figures.countEnd(result, job.times, now: now)
        conclude(id, result, rows: rows)
    }

    private mutating func conclude(_ id: JobID, _ result: GenerationResult, rows: [WorkerRows]) {
        guard let job = jobs[id] else { return }
        jobs.end(id, result)
        switch job.client {
        case .remote(let peer, _):
            deliver(.ended(Ended(id, result, rows: rows)), to: peer)
        case .local(let client, let choice):
            _ = client.tell(.ended(choice: choice, result))
            if jobs.jobs(of: client).isEmpty { client.finish() }
        case nil: break
        }
    }

    // MARK: Listed

    var jobReports: [JobReport] {
        jobs.all.suffix(wireLimits.listCount).map { JobReport($0) }
    }
}
