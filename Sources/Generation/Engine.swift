public import Inference
import Kernels
import Model
public import Tokenizer

/// Runs many requests at once, one step at a time: schedule, run, choose.
///
/// Used from one thread, which calls `step` while there is work. A step that fails ends the
/// requests it computed, each with the error; the others go on.
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
    /// Told which sequences' rows each step computes, in this order, before it runs.
    public var willRun: ([Scheduler.Slice]) -> Void = { _ in }

    public init(forward: ForwardPass, tokenizer: Tokenizer, limits: Scheduler.Limits) {
        self.forward = forward
        self.tokenizer = tokenizer
        scheduler = Scheduler(limits: limits)
    }

    public var hasWork: Bool { !scheduler.isIdle }
    public var runningCount: Int { scheduler.runningCount }
    public var queuedCount: Int { scheduler.queuedCount }

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
        sequences[lastID] = GeneratingSequence(
            request: request,
            capacity: capacity,
            tokenizer: tokenizer,
            kernels: forward.kernels,
            emit: emit
        )
        if !request.resumed.isEmpty { resuming.append(lastID) }
        scheduler.add(
            lastID,
            promptTokenCount: request.prompt.count + request.resumed.count,
            pageCount: CacheLayout.pageCount(positions: capacity)
        )
        return lastID
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
        resume()
        let slices = scheduler.nextStep(freePageCount: forward.freePageCount)
        var batch = Batch()
        var parts: [StepPart] = []
        for slice in slices {
            guard let sequence = sequences[slice.sequence] else { continue }
            guard let context = makeRoom(for: slice, of: sequence) else { continue }
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
        distributeLogits(parts)
    }

    /// Takes up the answers of requests that came with one, before they are computed.
    private func resume() {
        let ids = resuming
        resuming = []
        for id in ids {
            if let reason = sequences[id]?.resume(tokenizer: tokenizer) { end(id, reason) }
        }
    }

    /// The sequence's context with room for the slice; ends the sequence where there is none.
    private func makeRoom(
        for slice: Scheduler.Slice,
        of sequence: GeneratingSequence
    ) -> SequenceContext? {
        do throws(ForwardError) {
            return try sequence.makeRoom(for: slice.tokenCount, in: forward)
        } catch {
            end(slice.sequence, .failed(error.description))
            return nil
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
            if isRunning(part) { part.sequence.finishComputing(part.slice.tokenCount) }
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

    private func isRunning(_ part: StepPart) -> Bool { sequences[part.slice.sequence] != nil }

    private func end(_ id: SequenceID, _ reason: GenerationResult.Reason) {
        scheduler.remove(id)
        sequences.removeValue(forKey: id)?.end(reason)
    }
}
