public import Inference
import Kernels
import Model
public import Tokenizer

/// Runs many requests at once, one step at a time: schedule, run, choose.
///
/// A request gets pages of keys and values for what it has; where they run out, what was kept of
/// others goes first, then the last request of the lowest priority goes back to wait, and later on
/// with the same tokens. Used from one thread, which calls `step` while there is work. A step that
/// fails ends the requests it computed, each with the error; the others go on.
public final class Engine {
    public typealias SequenceID = Scheduler.SequenceID

    private let forward: ForwardPass
    private let tokenizer: Tokenizer
    private var scheduler: Scheduler
    private var sequences: [SequenceID: GeneratingSequence] = [:]
    private var lastID: SequenceID = 0
    private var logits: [Float] = []
    /// Requests that begin with a part of their answer, until the next step takes it up.
    private var resuming: [SequenceID] = []
    /// Pages that later requests may begin with.
    private var prefixes: PrefixCache<CachePage>
    private let sharing: PrefixLimits.Sharing
    private var counts = EngineFigures()
    private var lengths = AnswerLengths()
    private let clock: () -> Duration
    /// Told which sequences' rows each step computes, in this order, before it runs.
    public var willRun: ([Scheduler.Slice]) -> Void = { _ in }
    /// Rows that the next step may have, where that is less than its limits allow.
    public var mostRows: () -> Int = { .max }

    /// - Parameters:
    ///   - prefixes: what is kept of requests for others that begin alike.
    ///   - clock: the time since any beginning; nil for the machine's own.
    public init(
        forward: ForwardPass,
        tokenizer: Tokenizer,
        limits: Scheduler.Limits,
        prefixes: PrefixLimits = PrefixLimits(),
        clock: (() -> Duration)? = nil
    ) {
        self.forward = forward
        self.tokenizer = tokenizer
        scheduler = Scheduler(limits: limits)
        let start = ContinuousClock.now
        self.clock = clock ?? { ContinuousClock.now - start }
        sharing = prefixes.sharing
        self.prefixes = PrefixCache(
            pageLimit: prefixes.sharing == .none ? 0 : prefixes.pageCount
        )
    }

    public var hasWork: Bool { !scheduler.isIdle }
    public var runningCount: Int { scheduler.runningCount }
    public var queuedCount: Int { scheduler.queuedCount }

    /// What is counted of its memory, and of who is let in.
    public var figures: EngineFigures {
        var figures = counts
        figures.pageLimit = forward.pageLimit
        figures.heldPageCount = forward.heldPageCount
        figures.keptPageCount = prefixes.pageCount
        figures.heldBackCount = scheduler.heldBackCount
        figures.stepTime = .seconds(scheduler.cost.perStep)
        figures.rowTime = .seconds(scheduler.cost.perRow)
        return figures
    }

    /// Whoever computes experts has changed: nobody goes on from what was computed until now.
    public func forgetPages() {
        prefixes = PrefixCache(pageLimit: prefixes.pageLimit)
        for sequence in sequences.values { sequence.keepsPagesForOthers = false }
    }

    /// Queues a request.
    ///
    /// - Parameter emit: told everything that happens to it, on the engine's thread.
    /// - Throws: what is wrong with the request, before anything is emitted.
    public func add(
        _ request: GenerationRequest,
        emit: @escaping (GenerationEvent) -> Void
    ) throws(RequestError) -> SequenceID {
        try check(request)
        lastID += 1
        let wanted = request.maximumTokens.map { request.prompt.count + min($0, contextLength) }
        let capacity = min(contextLength, wanted ?? contextLength)
        let length = lengths.expected(
            of: request.task,
            atMost: min(request.maximumTokens ?? .max, capacity - request.prompt.count)
        )
        sequences[lastID] = GeneratingSequence(
            request: request,
            capacity: capacity,
            expectedLength: length,
            scope: sharing == .all ? "" : request.owner,
            tokenizer: tokenizer,
            kernels: forward.kernels,
            emit: emit
        )
        if !request.resumed.isEmpty { resuming.append(lastID) }
        scheduler.advance(to: clock())
        scheduler.add(
            lastID,
            promptTokenCount: request.prompt.count + request.resumed.count,
            priority: request.priority,
            owner: request.owner,
            wish: Scheduler.Wish(
                firstToken: request.firstTokenTime,
                eachToken: request.eachTokenTime,
                answerLength: max(1, length - Double(request.resumed.count))
            )
        )
        return lastID
    }

    /// Tokens that the answer of a request is expected to have; nil where it has ended.
    public func expectedAnswerLength(of id: SequenceID) -> Double? {
        sequences[id]?.expectedLength
    }

    /// Most positions of one sequence: as many as are allowed and have pages.
    private var contextLength: Int {
        min(scheduler.limits.contextLength, forward.pageLimit * CacheLayout.pageLength)
    }

    private func check(_ request: GenerationRequest) throws(RequestError) {
        try request.validate(
            contextLength: contextLength,
            vocabularyCount: forward.model.vocabularyCount
        )
        guard !scheduler.isFull else { throw .queueFull(scheduler.limits.queuedSequences) }
    }

    /// Ends a request before its time; unknown ones are left alone.
    public func cancel(_ id: SequenceID) { end(id, .cancelled) }

    /// Ends one request with an error; unknown ones are left alone.
    public func fail(_ id: SequenceID, _ message: String) { end(id, .failed(message)) }

    /// Ends every request with the same error.
    public func failAll(_ message: String) {
        for id in sequences.keys.sorted() { end(id, .failed(message)) }
    }

    /// Runs one step; does nothing when there is no work.
    public func step() {
        let start = clock()
        resume()
        scheduler.advance(to: start)
        startSequences()
        var batch = Batch()
        var parts: [StepPart] = []
        for slice in slicesWithRoom() {
            guard let sequence = sequences[slice.sequence], let context = sequence.context else {
                continue
            }
            let last = sequence.isCaughtUp(after: slice.tokenCount)
            batch.append(
                sequence.nextTokens(slice.tokenCount)[...],
                from: sequence.computedCount,
                of: context,
                logits: last ? .last : .none
            )
            parts.append(StepPart(slice: slice, sequence: sequence, wantsLogits: last))
        }
        guard !parts.isEmpty else { return }
        willRun(parts.map(\.slice))
        do throws(ForwardError) {
            try forward.run(batch, logits: &logits)
        } catch {
            for part in parts { end(part.slice.sequence, .failed(error.description)) }
            return
        }
        scheduler.advance(to: clock())
        distributeLogits(parts)
        let rows = parts.reduce(0) { $0 + $1.slice.tokenCount }
        scheduler.count(rows: rows, time: clock() - start)
    }

    /// Takes up the answers of requests that came with one, before they are computed.
    private func resume() {
        let ids = resuming
        resuming = []
        for id in ids {
            if let reason = sequences[id]?.resume(tokenizer: tokenizer) { end(id, reason) }
        }
    }

    /// What one sequence has in the step that runs.
    private struct StepPart {
        let slice: Scheduler.Slice
        let sequence: GeneratingSequence
        let wantsLogits: Bool
    }

    private func distributeLogits(_ parts: [StepPart]) {
        let width = forward.model.vocabularyCount
        var start = 0
        for part in parts {
            let row = logits[start..<start + (part.wantsLogits ? width : 0)]
            start = row.endIndex
            // A listener may cancel its own or another request at any event.
            if isRunning(part) { finishComputing(part) }
            guard part.wantsLogits, isRunning(part) else { continue }
            do throws(ForwardError) {
                try forward.requireFinite(row)
            } catch {
                end(part.slice.sequence, .failed(error.description))
                continue
            }
            if let reason = part.sequence.choose(from: row, tokenizer: tokenizer) {
                end(part.slice.sequence, reason)
            } else {
                scheduler.continueSequence(part.slice.sequence)
            }
        }
    }

    private func finishComputing(_ part: StepPart) {
        let before = part.sequence.computedCount
        part.sequence.finishComputing(part.slice.tokenCount)
        if sharing != .none { part.sequence.share(since: before, in: &prefixes) }
    }

    private func isRunning(_ part: StepPart) -> Bool { sequences[part.slice.sequence] != nil }

    private func end(_ id: SequenceID, _ reason: GenerationResult.Reason) {
        scheduler.remove(id)
        guard let sequence = sequences.removeValue(forKey: id) else { return }
        if reason == .stop || reason == .length { countLength(of: sequence) }
        sequence.end(reason)
    }

    /// What is to be expected of the next answers, and how wrong it was of this one.
    private func countLength(of sequence: GeneratingSequence) {
        let count = sequence.generated.count
        lengths.add(tokenCount: count, of: sequence.request.task)
        counts.answerTokenCount += count
        counts.answerErrorCount += Int(abs(sequence.expectedLength - Double(count)).rounded())
    }

    // MARK: Memory

    /// Lets those run who are next, as far as there is room.
    private func startSequences() {
        while let id = scheduler.chooseNext() {
            while !scheduler.hasSlot || !start(id) {
                guard let victim = scheduler.victim(for: id) else { return }
                interrupt(victim)
            }
        }
    }

    /// Gives a sequence its context, with what others computed of the same beginning.
    ///
    /// - Returns: false where there is no room.
    private func start(_ id: SequenceID) -> Bool {
        guard let sequence = sequences[id] else { return false }
        let isFirst = sequence.cachedCount == nil
        let shared = sequence.sharedPages(in: &prefixes)
        while true {
            do throws(ForwardError) {
                try sequence.begin(with: shared, in: forward)
                break
            } catch {
                guard prefixes.evict() else { return false }
            }
        }
        if isFirst, sharing != .none {
            counts.soughtTokenCount += sequence.request.prompt.count
            counts.foundTokenCount += sequence.cachedCount ?? 0
        }
        scheduler.start(id, computed: sequence.computedCount)
        return true
    }

    /// The next step's slices, each with memory for its tokens.
    private func slicesWithRoom() -> [Scheduler.Slice] {
        let slices = scheduler.nextStep(most: mostRows())
        for slice in slices { makeRoom(for: slice) }
        return slices.filter { sequences[$0.sequence]?.context != nil }
    }

    /// Makes sure that a slice has memory, or that its sequence does not run.
    private func makeRoom(for slice: Scheduler.Slice) {
        while let sequence = sequences[slice.sequence], let context = sequence.context {
            do throws(ForwardError) {
                return try context.makeRoom(for: sequence.computedCount + slice.tokenCount)
            } catch {
                if prefixes.evict() { continue }
                guard case .cache(.noPages) = error, let last = scheduler.lastRunning else {
                    return end(slice.sequence, .failed(error.description))
                }
                interrupt(last)
            }
        }
    }

    /// Sends a sequence back to wait; it goes on later as if nothing had been.
    private func interrupt(_ id: SequenceID) {
        guard let sequence = sequences[id] else { return }
        sequence.interrupt()
        scheduler.interrupt(id, tokenCount: sequence.knownCount)
        counts.interruptionCount += 1
    }

    /// Makes pages free for what is computed beside the requests.
    public func free(pageCount: Int) {
        while forward.freePageCount < pageCount {
            if prefixes.evict() { continue }
            guard let last = scheduler.lastRunning else { return }
            interrupt(last)
        }
    }
}
