import Generation
import Inference

/// What every request for text may say, beside the text itself.
struct GenerationFields {
    var sampling = Sampling()
    var stopTexts: [String] = []
    /// Answers to each prompt.
    var choiceCount = 1
    var maximumTokens: Int?
    var task: String?
    var stream: AnswerStream?

    /// How an answer is sent while it is made.
    struct AnswerStream: Equatable {
        /// Ends with a piece that says how many tokens were used.
        var includesUsage = false
        /// Tells how much of the prompt was read.
        var reportsProgress = false
    }

    /// - Parameters:
    ///   - limits: Of requests.
    ///   - lengthKeys: What the most tokens may be called, the preferred name first.
    init(
        _ fields: inout RequestFields,
        limits: APILimits,
        lengthKeys: [String]
    ) throws(APIError) {
        try readSampling(&fields)
        stopTexts = try fields.texts("stop") ?? []
        guard !stopTexts.contains("") else {
            throw fields.outOfRange("stop", "''", "some text")
        }
        choiceCount = try fields.whole("n", in: 1...limits.choiceCount) ?? 1
        for key in lengthKeys {
            let given = try fields.whole(key, in: 1...Int(Int32.max))
            maximumTokens = maximumTokens ?? given
        }
        task = try fields.text("task")
        // Who asks is known by the key; an id of theirs changes nothing.
        _ = try fields.text("user")
        try readStream(&fields)
        try refuseWhatIsNotBuilt(&fields)
    }

    private mutating func readSampling(_ fields: inout RequestFields) throws(APIError) {
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
        sampling.presencePenalty = float(
            try fields.number("presence_penalty", in: -2...2),
            else: 0
        )
        sampling.frequencyPenalty = float(
            try fields.number("frequency_penalty", in: -2...2),
            else: 0
        )
        sampling.repeatPenalty = float(
            try fields.number("repetition_penalty", in: 0.01...100),
            else: 1
        )
        let seed = try fields.whole("seed", in: Int.min...Int.max)
        sampling.seed = seed.map { UInt64(bitPattern: Int64($0)) }
    }

    private mutating func readStream(_ fields: inout RequestFields) throws(APIError) {
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

    private func refuseWhatIsNotBuilt(_ fields: inout RequestFields) throws(APIError) {
        let notYet = "not yet"
        try fields.neutral("logit_bias", [[:]], otherwise: notYet)
        try fields.neutral(
            "response_format",
            [["type": "text"]],
            otherwise: "answers are text of any form"
        )
    }

    /// One order for each answer to each prompt.
    ///
    /// With a seed, each answer to one prompt has a seed of its own, and the first the one given.
    func orders(_ prompts: [[Int32]]) -> [GenerationRequest] {
        prompts.flatMap { prompt in
            (0..<choiceCount).map { choice in
                var request = GenerationRequest(
                    prompt: prompt,
                    maximumTokens: maximumTokens,
                    sampling: sampling,
                    stopTexts: stopTexts
                )
                request.sampling.seed = sampling.seed.map { $0 &+ UInt64(choice) }
                return request
            }
        }
    }
}
