import CProtobufC
import CWire
import Model
import Placement

extension ClientWelcome {
    init(_ raw: Moiety__V1__ClientWelcome, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            protocolVersion: raw.protocol_version,
            build: reader.text(raw.build, "client_welcome.build"),
            modelName: reader.text(raw.model_name, "client_welcome.model_name")
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__ClientWelcome> {
        unsafe writer.message(moiety__v1__client_welcome__init) { raw in
            unsafe raw.protocol_version = protocolVersion
            unsafe raw.build = writer.text(build)
            unsafe raw.model_name = writer.text(modelName)
        }
    }
}

extension SamplingRequest {
    /// Tokens with a bias or that end an answer; more than any client has a use for.
    private static let tokenLimit = 4096

    fileprivate init(
        _ raw: Moiety__V1__Sampling,
        _ reader: MessageReader
    ) throws(WireError) {
        let hasSeed = unsafe raw.start_case == MOIETY__V1__SAMPLING__START_SEED
        unsafe self.init(
            temperature: raw.temperature,
            topK: Int(raw.top_k),
            topP: raw.top_p,
            minP: raw.min_p,
            repeatPenalty: raw.repeat_penalty,
            repeatLastN: Int(raw.repeat_last_n),
            presencePenalty: raw.presence_penalty,
            frequencyPenalty: raw.frequency_penalty,
            seed: hasSeed ? raw.seed : nil
        )
        logitBiases = try unsafe reader.parts(
            raw.logit_biases,
            count: raw.n_logit_biases,
            "sampling.logit_biases"
        ) { bias throws(WireError) in
            unsafe LogitBias(token: bias.token, bias: bias.bias)
        }
        minimumTokens = unsafe Int(raw.minimum_tokens)
        ignoresEnd = unsafe raw.ignores_end != 0
        stopTokens = try unsafe reader.list(
            raw.stop_tokens,
            count: raw.n_stop_tokens,
            "sampling.stop_tokens",
            limit: Self.tokenLimit
        )
        penalizesAnswerOnly = unsafe raw.penalizes_answer_only != 0
    }

    fileprivate func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Sampling> {
        unsafe writer.message(moiety__v1__sampling__init) { raw in
            unsafe raw.temperature = temperature
            unsafe raw.top_k = UInt32(clamping: topK)
            unsafe raw.top_p = topP
            unsafe raw.min_p = minP
            unsafe raw.repeat_penalty = repeatPenalty
            unsafe raw.repeat_last_n = Int32(clamping: repeatLastN)
            unsafe raw.presence_penalty = presencePenalty
            unsafe raw.frequency_penalty = frequencyPenalty
            if let seed {
                unsafe raw.start_case = MOIETY__V1__SAMPLING__START_SEED
                unsafe raw.seed = seed
            }
            let biases = unsafe logitBiases.map { bias in
                unsafe writer.message(moiety__v1__logit_bias__init) { raw in
                    unsafe raw.token = bias.token
                    unsafe raw.bias = bias.bias
                }
            }
            unsafe raw.n_logit_biases = biases.count
            unsafe raw.logit_biases = writer.list(biases)
            unsafe raw.minimum_tokens = UInt32(clamping: minimumTokens)
            unsafe raw.ignores_end = ignoresEnd ? 1 : 0
            unsafe raw.n_stop_tokens = stopTokens.count
            unsafe raw.stop_tokens = writer.list(stopTokens)
            unsafe raw.penalizes_answer_only = penalizesAnswerOnly ? 1 : 0
        }
    }
}

extension Submit {
    init(_ raw: Moiety__V1__Submit, _ reader: MessageReader) throws(WireError) {
        let stopTexts = try unsafe reader.items(
            raw.stop_texts,
            count: raw.n_stop_texts,
            "submit.stop_texts"
        ) { item throws(WireError) in
            try unsafe reader.text(item, "submit.stop_texts")
        }
        try unsafe self.init(
            tag: raw.tag,
            prompt: reader.text(
                raw.prompt,
                "submit.prompt",
                limit: reader.limits.headerByteCount
            ),
            maximumTokens: Int(raw.maximum_tokens),
            sampling: SamplingRequest(reader.part(raw.sampling, "submit.sampling"), reader),
            task: reader.optionalText(raw.task, "submit.task"),
            stopTexts: stopTexts,
            isDurable: raw.is_durable != 0,
            ticket: reader.optionalText(raw.ticket, "submit.ticket"),
            priority: Int(raw.priority)
        )
        isChat = unsafe raw.is_chat != 0
        mustBeObject = unsafe raw.must_be_object != 0
        let times = try unsafe (
            first: reader.duration(raw.first_token_nanoseconds, "submit.first_token_nanoseconds"),
            each: reader.duration(raw.each_token_nanoseconds, "submit.each_token_nanoseconds")
        )
        objective.firstToken = times.first > .zero ? times.first : nil
        objective.eachToken = times.each > .zero ? times.each : nil
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Submit> {
        unsafe writer.message(moiety__v1__submit__init) { raw in
            unsafe raw.tag = tag
            unsafe raw.prompt = writer.text(prompt)
            unsafe raw.maximum_tokens = UInt32(clamping: maximumTokens)
            unsafe raw.sampling = sampling.raw(writer)
            unsafe raw.task = writer.text(task ?? "")
            unsafe raw.n_stop_texts = stopTexts.count
            unsafe raw.stop_texts = writer.list(stopTexts.map { unsafe writer.text($0) })
            unsafe raw.is_chat = isChat ? 1 : 0
            unsafe raw.must_be_object = mustBeObject ? 1 : 0
            unsafe raw.is_durable = isDurable ? 1 : 0
            unsafe raw.ticket = writer.text(ticket ?? "")
            unsafe raw.priority = Int32(clamping: priority)
            unsafe raw.first_token_nanoseconds = objective.firstToken?.wireNanoseconds ?? 0
            unsafe raw.each_token_nanoseconds = objective.eachToken?.wireNanoseconds ?? 0
        }
    }
}

extension Accepted {
    init(_ raw: Moiety__V1__Accepted, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            tag: raw.tag,
            job: reader.text(raw.job, "accepted.job"),
            promptTokenCount: Int(raw.prompt_token_count),
            isDurable: raw.is_durable != 0
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Accepted> {
        unsafe writer.message(moiety__v1__accepted__init) { raw in
            unsafe raw.tag = tag
            unsafe raw.job = writer.text(job)
            unsafe raw.prompt_token_count = UInt32(clamping: promptTokenCount)
            unsafe raw.is_durable = isDurable ? 1 : 0
        }
    }
}

extension GeneratedTokens {
    init(_ raw: Moiety__V1__Tokens, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            job: reader.text(raw.job, "tokens.job"),
            tokens: reader.list(
                raw.tokens,
                count: raw.n_tokens,
                "tokens.tokens",
                limit: reader.limits.tokenCount
            ),
            text: reader.text(raw.text, "tokens.text", limit: reader.limits.headerByteCount)
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Tokens> {
        unsafe writer.message(moiety__v1__tokens__init) { raw in
            unsafe raw.job = writer.text(job)
            unsafe raw.n_tokens = tokens.count
            unsafe raw.tokens = writer.list(tokens)
            unsafe raw.text = writer.text(text)
        }
    }
}

extension PromptProgress {
    init(_ raw: Moiety__V1__Progress, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            job: reader.text(raw.job, "progress.job"),
            promptTokensDone: Int(raw.prompt_tokens_done),
            promptTokenCount: Int(raw.prompt_token_count)
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Progress> {
        unsafe writer.message(moiety__v1__progress__init) { raw in
            unsafe raw.job = writer.text(job)
            unsafe raw.prompt_tokens_done = UInt32(clamping: promptTokensDone)
            unsafe raw.prompt_token_count = UInt32(clamping: promptTokenCount)
        }
    }
}

extension WorkerRows {
    fileprivate init(_ raw: Moiety__V1__WorkerRows, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            name: reader.workerName(raw.name, "worker_rows.name"),
            rowCount: raw.row_count
        )
    }

    fileprivate func raw(
        _ writer: MessageWriter
    ) -> UnsafeMutablePointer<Moiety__V1__WorkerRows>? {
        unsafe writer.message(moiety__v1__worker_rows__init) { raw in
            unsafe raw.name = writer.text(name.rawValue)
            unsafe raw.row_count = rowCount
        }
    }
}

extension Ended {
    init(_ raw: Moiety__V1__Ended, _ reader: MessageReader) throws(WireError) {
        let rows = try unsafe reader.parts(
            raw.rows_per_worker,
            count: raw.n_rows_per_worker,
            "ended.rows_per_worker"
        ) { part throws(WireError) in
            try unsafe WorkerRows(part, reader)
        }
        try unsafe self.init(
            job: reader.text(raw.job, "ended.job"),
            outcome: reader.choice(raw.outcome.rawValue, "ended.outcome"),
            reason: reader.choice(raw.reason.rawValue, "ended.reason"),
            message: reader.text(raw.message, "ended.message"),
            tokens: reader.list(
                raw.tokens,
                count: raw.n_tokens,
                "ended.tokens",
                limit: reader.limits.tokenCount
            ),
            promptTokenCount: Int(raw.prompt_token_count),
            cachedTokenCount: Int(raw.cached_token_count),
            prefillTime: reader.duration(raw.prefill_nanoseconds, "ended.prefill_nanoseconds"),
            decodeTime: reader.duration(raw.decode_nanoseconds, "ended.decode_nanoseconds"),
            rowsPerWorker: rows,
            retryAfter: raw.retry_milliseconds > 0
                ? .milliseconds(Int(raw.retry_milliseconds)) : nil,
            expertUses: TierUses.optional(raw.expert_uses, "ended.expert_uses")
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Ended> {
        unsafe writer.message(moiety__v1__ended__init) { raw in
            unsafe raw.job = writer.text(job)
            unsafe raw.outcome = Moiety__V1__Outcome(outcome.rawValue)
            unsafe raw.reason = Moiety__V1__EndReason(reason.rawValue)
            unsafe raw.message = writer.message(message)
            unsafe raw.n_tokens = tokens.count
            unsafe raw.tokens = writer.list(tokens)
            unsafe raw.prompt_token_count = UInt32(clamping: promptTokenCount)
            unsafe raw.cached_token_count = UInt32(clamping: cachedTokenCount)
            unsafe raw.prefill_nanoseconds = prefillTime.wireNanoseconds
            unsafe raw.decode_nanoseconds = decodeTime.wireNanoseconds
            unsafe raw.n_rows_per_worker = rowsPerWorker.count
            unsafe raw.rows_per_worker = writer.list(rowsPerWorker.map { unsafe $0.raw(writer) })
            let wait = (retryAfter ?? .zero).wireNanoseconds / 1_000_000
            unsafe raw.retry_milliseconds = UInt32(clamping: wait)
            if let expertUses { unsafe raw.expert_uses = expertUses.raw(writer) }
        }
    }
}

extension TierUses {
    /// More than this nothing ever has: sums and shares of such numbers cannot overflow.
    private static let most: UInt64 = 1 << 60

    /// Nil where the message has none.
    static func optional(
        _ raw: UnsafeMutablePointer<Moiety__V1__ExpertUses>?,
        _ field: String
    ) throws(WireError) -> TierUses? {
        guard let raw = unsafe raw?.pointee else { return nil }
        let largest = unsafe max(raw.high, raw.low, raw.skipped)
        guard largest <= most else {
            throw .beyondLimit(field: field, value: largest, limit: Int(most))
        }
        return unsafe TierUses(high: Int(raw.high), low: Int(raw.low), skipped: Int(raw.skipped))
    }

    func raw(
        _ writer: MessageWriter
    ) -> UnsafeMutablePointer<Moiety__V1__ExpertUses>? {
        unsafe writer.message(moiety__v1__expert_uses__init) { raw in
            unsafe raw.high = UInt64(clamping: high)
            unsafe raw.low = UInt64(clamping: low)
            unsafe raw.skipped = UInt64(clamping: skipped)
        }
    }
}
