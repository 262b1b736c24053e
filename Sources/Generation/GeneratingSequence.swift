import Inference
import Kernels
import Tokenizer

/// One request while it is generated: its tokens, its context, its sampler.
final class GeneratingSequence {
    let request: GenerationRequest
    /// Positions it may take, prompt and answer together.
    let capacity: Int
    /// From its first step on: what only waits holds no memory.
    private(set) var context: SequenceContext?
    let emit: (GenerationEvent) -> Void
    private(set) var generated: [Int32] = []
    /// Tokens of prompt and answer that are computed.
    private(set) var computedCount = 0
    private var sampler: Sampler
    private var decoder: StreamingDecoder
    private var stopTexts: StopTexts
    /// Where the answer must be a JSON object.
    private var object: ObjectConstraint?
    /// When its first step was made up; what it waited before is no part of prefill.
    private var startTime: ContinuousClock.Instant?
    private var firstTokenTime: ContinuousClock.Instant?
    private var lastTokenTime: ContinuousClock.Instant?

    init(
        request: GenerationRequest,
        capacity: Int,
        tokenizer: Tokenizer,
        kernels: Kernels,
        emit: @escaping (GenerationEvent) -> Void
    ) {
        self.request = request
        self.capacity = capacity
        self.emit = emit
        sampler = Sampler(request.sampling, kernels: kernels, endTokens: tokenizer.endTokens)
        for token in request.prompt { sampler.accept(token, isPrompt: true) }
        object = request.mustBeObject ? ObjectConstraint(tokenizer) : nil
        decoder = StreamingDecoder(tokenizer, continuing: true)
        stopTexts = StopTexts(request.stopTexts)
    }

    /// The sequence's context, with room for `count` more tokens.
    func makeRoom(for count: Int, in forward: ForwardPass) throws(ForwardError) -> SequenceContext {
        let context = try makeContext(in: forward)
        try context.makeRoom(for: computedCount + count)
        return context
    }

    private func makeContext(in forward: ForwardPass) throws(ForwardError) -> SequenceContext {
        if let context { return context }
        let made = try forward.makeContext(capacity: capacity)
        context = made
        return made
    }

    /// The next `count` tokens to compute.
    func nextTokens(_ count: Int) -> [Int32] {
        startTime = startTime ?? .now
        let prompt = request.prompt
        return (computedCount..<computedCount + count).map {
            $0 < prompt.count ? prompt[$0] : generated[$0 - prompt.count]
        }
    }

    /// Whether computing `count` more tokens reaches the end of what is known.
    func isCaughtUp(after count: Int) -> Bool {
        computedCount + count == request.prompt.count + generated.count
    }

    func finishComputing(_ count: Int) {
        let inPrompt = computedCount < request.prompt.count
        computedCount += count
        guard inPrompt else { return }
        emit(.prefill(done: min(computedCount, request.prompt.count), total: request.prompt.count))
    }

    /// Chooses the next token and tells the listener.
    ///
    /// - Returns: the reason to end, if this token is one.
    func choose(
        from logits: ArraySlice<Float>,
        tokenizer: Tokenizer
    ) -> GenerationResult.Reason? {
        guard let token = nextToken(from: logits) else {
            return .failed("no token of the vocabulary continues the JSON object")
        }
        sampler.accept(token)
        let now = ContinuousClock.now
        firstTokenTime = firstTokenTime ?? now
        lastTokenTime = now
        if let count = request.sampling.scoreCount {
            emit(.scores(TokenScores(of: token, likeliest: count, in: logits)))
        }
        let (text, reason) = take(token, tokenizer)
        emit(.token(token, text: text))
        return reason
    }

    private func nextToken(from logits: ArraySlice<Float>) -> Int32? {
        guard object != nil else { return sampler.sample(logits) }
        guard let allowed = object?.masked(logits) else { return nil }
        return sampler.sample(allowed)
    }

    /// Takes up the answer that the request began with.
    ///
    /// - Returns: the reason to end, if its last token was one.
    func resume(tokenizer: Tokenizer) -> GenerationResult.Reason? {
        var text = ""
        var reason: GenerationResult.Reason?
        for token in request.resumed where reason == nil {
            sampler.replay(token)
            let taken = take(token, tokenizer)
            text += taken.text
            reason = taken.reason
        }
        if !text.isEmpty { emit(.text(text)) }
        return reason
    }

    /// Appends a token; the text that it lets us print, and the reason to end, if it is one.
    private func take(
        _ token: Int32,
        _ tokenizer: Tokenizer
    ) -> (text: String, reason: GenerationResult.Reason?) {
        generated.append(token)
        let isEnd =
            tokenizer.isEndOfGeneration(token) || request.sampling.stopTokens.contains(token)
        guard !isEnd else { return (heldText(), .stop) }
        let (text, stopped) = stopTexts.push(decoder.push(token))
        if stopped { return (text, .stop) }
        object?.take(token)
        if object?.isClosed == true { return (text + heldText(), .stop) }
        let limit = request.maximumTokens ?? .max
        let position = request.prompt.count + generated.count
        return (text, generated.count >= limit || position >= capacity ? .length : nil)
    }

    func end(_ reason: GenerationResult.Reason) {
        // What a stop text ended is cut off; an end token has flushed already.
        let rest = reason == .stop ? "" : heldText()
        if !rest.isEmpty { emit(.text(rest)) }
        emit(.ended(result(reason)))
    }

    /// Text that was waiting for the rest of a character or of a stop text.
    private func heldText() -> String {
        let (printable, stopped) = stopTexts.push(decoder.finish())
        return stopped ? printable : printable + stopTexts.finish()
    }

    private func result(_ reason: GenerationResult.Reason) -> GenerationResult {
        GenerationResult(
            reason: reason,
            tokens: generated,
            promptTokenCount: request.prompt.count,
            prefillTime: Self.time(from: startTime, to: firstTokenTime),
            decodeTime: Self.time(from: firstTokenTime, to: lastTokenTime)
        )
    }

    private static func time(
        from start: ContinuousClock.Instant?,
        to end: ContinuousClock.Instant?
    ) -> Duration {
        guard let start, let end else { return .zero }
        return end - start
    }
}
