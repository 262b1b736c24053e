import Inference
import Kernels
import Tokenizer

/// One request while it is generated: its tokens, its context, its sampler.
final class GeneratingSequence {
    let request: GenerationRequest
    /// Positions it may take, prompt and answer together.
    let capacity: Int
    /// Tokens that its answer was expected to have when it came.
    let expectedLength: Double
    /// From its first step on: what only waits holds no memory.
    private(set) var context: SequenceContext?
    let emit: (GenerationEvent) -> Void
    private(set) var generated: [Int32] = []
    /// Tokens of prompt and answer that are computed.
    private(set) var computedCount = 0
    /// Of the prompt, what others had computed when this one first ran; nil before.
    private(set) var cachedCount: Int?
    /// Of the prompt, as the listener was told.
    private var toldCount = 0
    /// Its pages, for those who begin alike.
    private(set) var names: PageNames
    /// Whether others may use the pages of this context.
    var keepsPagesForOthers = true
    private var sampler: Sampler
    private var decoder: StreamingDecoder
    private var stopTexts: StopTexts
    /// Where not every answer will do.
    private var constraint: AnswerConstraint?
    /// When its first step was made up; what it waited before is no part of prefill.
    private var startTime: ContinuousClock.Instant?
    private var firstTokenTime: ContinuousClock.Instant?
    private var lastTokenTime: ContinuousClock.Instant?

    init(
        request: GenerationRequest,
        capacity: Int,
        expectedLength: Double,
        scope: String,
        tokenizer: Tokenizer,
        kernels: Kernels,
        emit: @escaping (GenerationEvent) -> Void
    ) {
        self.request = request
        self.capacity = capacity
        self.expectedLength = expectedLength
        names = PageNames(scope: scope, pageLength: CacheLayout.pageLength)
        self.emit = emit
        sampler = Sampler(request.sampling, kernels: kernels, endTokens: tokenizer.endTokens)
        for token in request.prompt { sampler.accept(token, isPrompt: true) }
        constraint = AnswerConstraint(request.form, tokenizer)
        decoder = StreamingDecoder(tokenizer, continuing: true)
        stopTexts = StopTexts(request.stopTexts)
    }

    /// Tokens that are known, computed or not.
    var knownCount: Int { request.prompt.count + generated.count }

    private var known: [Int32] { generated.isEmpty ? request.prompt : request.prompt + generated }

    // MARK: Its context

    /// Pages that others have computed of the same tokens; the last token is left to compute.
    func sharedPages(in prefixes: inout PrefixCache<CachePage>) -> [CachePage] {
        guard prefixes.pageLimit > 0 else { return [] }
        let known = known
        names.extend(over: known)
        let limit = (known.count - 1) / CacheLayout.pageLength
        return prefixes.pages(names, of: known, atMost: limit)
    }

    /// Takes pages for all tokens that are known and the next one.
    ///
    /// - Parameter shared: pages whose positions need not be computed.
    func begin(with shared: [CachePage], in forward: ForwardPass) throws(ForwardError) {
        context = try forward.makeContext(
            capacity: capacity,
            beginningWith: shared,
            reserving: min(capacity, knownCount + 1)
        )
        computedCount = shared.count * CacheLayout.pageLength
        cachedCount = cachedCount ?? min(computedCount, request.prompt.count)
        keepsPagesForOthers = true
    }

    /// Gives its context up; everything is to be computed again.
    func interrupt() {
        context = nil
        computedCount = 0
    }

    /// Lets others use the pages that were filled since `count` tokens were computed.
    func share(since count: Int, in prefixes: inout PrefixCache<CachePage>) {
        let pages = count / CacheLayout.pageLength..<computedCount / CacheLayout.pageLength
        guard keepsPagesForOthers, !pages.isEmpty, let context else { return }
        let known = known
        names.extend(over: known)
        for index in pages { prefixes.keep(context.page(index), at: index, names, of: known) }
    }

    // MARK: Its tokens

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
        computedCount + count == knownCount
    }

    func finishComputing(_ count: Int) {
        computedCount += count
        let done = min(computedCount, request.prompt.count)
        // What an interruption takes is not told twice.
        guard done > toldCount else { return }
        toldCount = done
        emit(.prefill(done: done, total: request.prompt.count))
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
        guard constraint != nil else { return sampler.sample(logits) }
        guard let allowed = constraint?.masked(logits) else { return nil }
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
        constraint?.take(token)
        if constraint?.isClosed == true { return (text + heldText(), .stop) }
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
            cachedTokenCount: cachedCount ?? 0,
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
