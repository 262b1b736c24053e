package import Generation
package import Inference
import JSON
import Wire

/// What every request for text may say, beside the text itself.
package struct GenerationFields: Sendable {
    package var sampling = Sampling()
    var stopTexts: [String] = []
    /// Answers to each prompt.
    var choiceCount = 1
    var maximumTokens: Int?
    /// What answers must be.
    var form = AnswerForm.text
    package private(set) var task: String?
    /// Higher runs first, as everywhere in the house.
    var priority = 0
    /// How soon the first token should come, and each further one.
    private(set) var firstTokenTime: Duration?
    private(set) var eachTokenTime: Duration?
    package private(set) var stream: AnswerStream?

    /// A day, in milliseconds, as `moiety submit` has it.
    private static let objectives = 0.001...86_400_000.0
    /// Tokens with a bias, or that end an answer; `Sampling` takes no more.
    private static let biasLimit = 1024
    private static let stopTokenLimit = 64
    /// Of the likeliest tokens; as many as OpenAI tells.
    package static let scoreLimit = 20
    /// Scores that are kept until an answer is whole: some 20 MiB.
    private static let keptScoreLimit = 1 << 16

    /// How an answer is sent while it is made.
    package struct AnswerStream: Equatable, Sendable {
        /// Ends with a piece that says how many tokens were used.
        package var includesUsage = false
        /// Tells how much of the prompt was read.
        package var reportsProgress = false
    }

    /// - Parameters:
    ///   - choiceLimit: Answers that one request may ask for.
    ///   - lengthKeys: What the most tokens may be called, the preferred name first.
    init(
        _ fields: inout RequestFields,
        choiceLimit: Int,
        lengthKeys: [String]
    ) throws(BodyError) {
        try readSampling(&fields)
        stopTexts = try fields.texts("stop") ?? []
        guard !stopTexts.contains("") else {
            throw fields.outOfRange("stop", "''", "some text")
        }
        choiceCount = try fields.whole("n", in: 1...choiceLimit) ?? 1
        for key in lengthKeys {
            let given = try fields.whole(key, in: 1...Int(Int32.max))
            maximumTokens = maximumTokens ?? given
        }
        task = try fields.text("task")
        // As vLLM has it, lower numbers are served first.
        priority = -(try fields.whole("priority", in: Submit.priorities) ?? 0)
        firstTokenTime = try fields.number("slo_ttft", in: Self.objectives)
            .map { .milliseconds($0) }
        eachTokenTime = try fields.number("slo_tpot", in: Self.objectives)
            .map { .milliseconds($0) }
        // Who asks is known by the key; an id of theirs changes nothing.
        _ = try fields.text("user")
        try readStream(&fields)
        try readForm(&fields)
    }

    private mutating func readSampling(_ fields: inout RequestFields) throws(BodyError) {
        func float(_ number: Double?, else builtIn: Float) -> Float {
            number.map { Float($0) } ?? builtIn
        }
        sampling.temperature = float(
            try fields.number("temperature", in: 0...2),
            else: sampling.temperature
        )
        sampling.topP = float(try fields.number("top_p", in: 0...1), else: sampling.topP)
        sampling.minP = float(try fields.number("min_p", in: 0...1), else: sampling.minP)
        // Elsewhere -1 stands for all tokens.
        let topK = try fields.whole("top_k", in: -1...Int(Int32.max)) ?? sampling.topK
        sampling.topK = max(0, topK)
        try readPenalties(&fields)
        try readBiases(&fields)
        sampling.minimumTokens = try fields.whole("min_tokens", in: 0...Int(Int32.max)) ?? 0
        sampling.ignoresEnd = try fields.bool("ignore_eos") ?? false
        let seed = try fields.whole("seed", in: Int.min...Int.max)
        sampling.seed = seed.map { UInt64(bitPattern: Int64($0)) }
    }

    /// They look as far back as OpenAI's and vLLM's do: presence and frequency at the whole answer,
    /// repetition at the prompt as well.
    private mutating func readPenalties(_ fields: inout RequestFields) throws(BodyError) {
        sampling.penalizesPrompt = false
        sampling.repeatLastN = -1
        if let penalty = try fields.number("presence_penalty", in: -2...2) {
            sampling.presencePenalty = Float(penalty)
        }
        if let penalty = try fields.number("frequency_penalty", in: -2...2) {
            sampling.frequencyPenalty = Float(penalty)
        }
        if let penalty = try fields.number("repetition_penalty", in: 0.01...100) {
            sampling.repeatPenalty = Float(penalty)
        }
    }

    private mutating func readBiases(_ fields: inout RequestFields) throws(BodyError) {
        let allowed = "an object of token ids and numbers from -100 to 100"
        if let value = fields.value("logit_bias") {
            guard case .object(let members) = value else {
                throw fields.wrong("logit_bias", value, allowed)
            }
            guard members.count <= Self.biasLimit else {
                let most = "an object of at most \(Self.biasLimit)"
                throw fields.outOfRange("logit_bias", "an object of \(members.count)", most)
            }
            for member in members {
                guard let token = Int32(member.key), let bias = member.value.double,
                    (-100...100).contains(bias)
                else {
                    let text = String(decoding: member.value.encoded.prefix(32), as: UTF8.self)
                    throw fields.outOfRange("logit_bias", "{\(member.key): \(text)}", allowed)
                }
                sampling.logitBias[token] = Float(bias)
            }
        }
        if let value = fields.value("stop_token_ids") {
            let allowed = "an array of at most \(Self.stopTokenLimit) token ids"
            let tokens = value.elements?.map { $0.whole.flatMap { Int32(exactly: $0) } }
            guard let tokens, tokens.count <= Self.stopTokenLimit, !tokens.contains(nil) else {
                throw fields.wrong("stop_token_ids", value, allowed)
            }
            sampling.stopTokens = tokens.compactMap { $0 }
        }
    }

    private mutating func readStream(_ fields: inout RequestFields) throws(BodyError) {
        let isWanted = try fields.bool("stream") ?? false
        var stream = AnswerStream()
        if var options = try fields.object("stream_options") {
            guard isWanted else {
                throw .unsupported("stream_options", "it goes with \"stream\": true")
            }
            stream.includesUsage = try options.bool("include_usage") ?? false
            try options.finish()
        }
        stream.reportsProgress = try fields.bool("return_progress") ?? false
        if isWanted { self.stream = stream }
    }

    private mutating func readForm(_ fields: inout RequestFields) throws(BodyError) {
        guard var format = try fields.object("response_format") else { return }
        switch try format.text("type") {
        case "text": break
        case "json_object": form = .object
        case "json_schema": form = .schema(try Self.readSchema(&format))
        case nil: throw .missingField("response_format.type")
        default:
            throw .unsupported("response_format", "answers are text, a JSON object, or of a schema")
        }
        try format.finish()
    }

    /// Answers are held to a schema whether or not it says that it is strict.
    private static func readSchema(_ format: inout RequestFields) throws(BodyError) -> AnswerSchema
    {
        guard var fields = try format.object("json_schema") else {
            throw .missingField("response_format.json_schema")
        }
        _ = try fields.text("name")
        _ = try fields.text("description")
        _ = try fields.bool("strict")
        guard let schema = fields.value("schema") else {
            throw .missingField("response_format.json_schema.schema")
        }
        try fields.finish()
        return try SchemaReader.object(schema, of: "response_format")
    }

    /// Checks what depends on the model.
    ///
    /// - Parameters:
    ///   - vocabularyCount: The number of tokens that there are.
    ///   - contextLength: What ends an answer at the latest.
    ///   - answerCount: To all prompts together.
    package func check(
        vocabularyCount: Int,
        contextLength: Int,
        answerCount: Int
    ) throws(BodyError) {
        func require(_ tokens: some Sequence<Int32>, _ name: String) throws(BodyError) {
            if let bad = tokens.first(where: { !(0..<vocabularyCount).contains(Int($0)) }) {
                let allowed = "made of ids from 0 to \(vocabularyCount - 1)"
                throw .outOfRange(name, value: "\(bad)", allowed: allowed)
            }
        }
        try require(sampling.logitBias.keys.sorted(), "logit_bias")
        try require(sampling.stopTokens, "stop_token_ids")
        guard stream == nil, let scoreCount = sampling.scoreCount else { return }
        let tokens = min(maximumTokens ?? contextLength, contextLength)
        guard tokens * (scoreCount + 1) * answerCount <= Self.keptScoreLimit else {
            throw .unsupported(
                "logprobs",
                "so many at once; stream the answer, or ask for fewer tokens, scores or answers"
            )
        }
    }

    /// One order for each answer to each prompt.
    ///
    /// With a seed, each answer to one prompt has a seed of its own, and the first the one given.
    package func orders(_ prompts: [[Int32]]) -> [GenerationRequest] {
        prompts.flatMap { prompt in
            (0..<choiceCount).map { choice in
                var request = GenerationRequest(
                    prompt: prompt,
                    maximumTokens: maximumTokens,
                    sampling: sampling,
                    stopTexts: stopTexts,
                    form: form,
                    priority: priority,
                    firstTokenTime: firstTokenTime,
                    eachTokenTime: eachTokenTime
                )
                request.sampling.seed = sampling.seed.map { $0 &+ UInt64(choice) }
                return request
            }
        }
    }
}
