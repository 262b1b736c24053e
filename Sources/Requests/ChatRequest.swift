import Generation
import Inference
package import JSON
package import Templates

/// What `/v1/chat/completions` is asked for.
package struct ChatRequest: Sendable {
    package let conversation: ChatConversation
    package let model: String?
    package private(set) var generation: GenerationFields

    /// - Parameter choiceLimit: answers that one request may ask for.
    package init(_ body: JSONValue, choiceLimit: Int) throws(BodyError) {
        var fields = try RequestFields(body)
        model = try fields.text("model")
        generation = try GenerationFields(
            &fields,
            choiceLimit: choiceLimit,
            lengthKeys: ["max_completion_tokens", "max_tokens"]
        )
        conversation = try ChatConversation(&fields)
        try readScores(&fields)
        guard generation.form == .text || conversation.tools.isEmpty else {
            throw .unsupported("response_format", "a JSON object cannot call tools")
        }
        try fields.neutral("modalities", [["text"]], otherwise: "answers are text")
        try fields.neutral("store", [false], otherwise: "nothing is kept")
        try fields.neutral(
            "service_tier",
            ["auto", "default"],
            otherwise: "all requests are served alike"
        )
        try fields.finish()
    }

    private mutating func readScores(_ fields: inout RequestFields) throws(BodyError) {
        let isWanted = try fields.bool("logprobs") ?? false
        let count = try fields.whole("top_logprobs", in: 0...GenerationFields.scoreLimit)
        guard isWanted || count ?? 0 == 0 else {
            throw .unsupported("top_logprobs", "it goes with \"logprobs\": true")
        }
        if isWanted { generation.sampling.scoreCount = count ?? 0 }
    }

    /// What is to be generated, calls of tools held to what the request says of them.
    ///
    /// - Parameter format: how the chat template writes calls; nil where it does not show that.
    package func generation(
        writtenAs format: ToolCallFormat?
    ) throws(BodyError) -> GenerationFields {
        var generation = generation
        if let form = try conversation.form(writtenAs: format) { generation.form = form }
        return generation
    }
}
