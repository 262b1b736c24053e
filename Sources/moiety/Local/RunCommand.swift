import ArgumentParser
import Experts
import Foundation
import Generation
import Inference
import Model
import Terminal
import Tokenizer

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Continue a prompt in this process, without a cluster."
    )

    @OptionGroup var model: ModelOptions
    @OptionGroup var prompt: PromptOptions
    @OptionGroup var sampling: SamplingOptions
    @OptionGroup var cache: CacheOptions
    @OptionGroup var chat: ChatOptions
    @OptionGroup var memory: MemoryBudgetOptions

    @Option(help: "A plan file: experts are summed worker by worker as it says.")
    var plan: String?

    @Option(
        name: [.customShort("c"), .long],
        help: "Tokens of context, prompt and answer together; 0 takes the model's."
    )
    var ctxSize = 0

    @Flag(help: "Parse the names of special tokens in the prompt.")
    var special = false

    @Flag(help: "Print one JSON object at the end instead of text.")
    var json = false

    /// What `--json` prints; names and all are promised to users.
    private struct Answer: Encodable {
        let text: String
        let tokens: [Int32]
        let promptTokens: Int
        let prefillRate: Double
        let decodeRate: Double
        /// Nil where the answer is exact.
        let lowShare: Double?
        let skippedShare: Double?

        enum CodingKeys: String, CodingKey {
            case text, tokens
            case lowShare = "low_share"
            case skippedShare = "skipped_share"
            case promptTokens = "prompt_tokens"
            case prefillRate = "prefill_tok_s"
            case decodeRate = "decode_tok_s"
        }
    }

    func validate() throws {
        guard memory.memory == nil || plan == nil else {
            throw ValidationError("--plan is for experts in memory; leave out --memory")
        }
        guard (0...1 << 20).contains(ctxSize) else {
            throw ValidationError("-c is \(ctxSize); it must be 0 to \(1 << 20)")
        }
    }

    func run() async throws {
        try await CommandFailure.report {
            let output = AnswerOutput(streams: !json)
            let (result, uses) = try generate(try prompt.read(), into: output)
            if case .failed(let message) = result.reason { throw CommandFailure(message) }
            guard json else { return output.end(summary: AnswerSummary(result, uses: uses)) }
            try Console.writeJSON(
                Answer(
                    text: output.text,
                    tokens: result.tokens,
                    promptTokens: result.promptTokenCount,
                    prefillRate: result.prefillRate,
                    decodeRate: result.decodeRate,
                    lowShare: uses?.lowShare,
                    skippedShare: uses?.skippedShare
                )
            )
        }
    }

    private func load(
        _ file: ModelFile,
        for request: GenerationRequest,
        _ limits: Scheduler.Limits
    ) throws -> ForwardPass {
        guard let budget = try memory.budget() else {
            return try LocalModel.load(
                file,
                threads: model.computeThreads(),
                planPath: plan,
                cacheFormat: cache.format
            )
        }
        let wanted = request.prompt.count + prompt.maximumTokens
        return try LocalModel.load(
            file,
            threads: model.computeThreads(),
            budget: budget,
            positions: min(wanted, limits.contextLength),
            rows: min(request.prompt.count, limits.stepRows),
            cacheFormat: cache.format
        )
    }

    /// - Returns: also in which tiers experts were used, where answers need not be exact.
    private func generate(
        _ text: [UInt8],
        into output: AnswerOutput
    ) throws -> (GenerationResult, TierUses?) {
        let file = try ModelFile(path: model.model)
        let tokenizer = try Tokenizer(file.vocabulary())
        let request = GenerationRequest(
            prompt: try chat.isChat
                ? chat.tokens(of: text, tokenizer, file)
                : tokenizer.encode(text, addSpecial: true, parseSpecial: special),
            maximumTokens: prompt.maximumTokens,
            sampling: sampling.sampling,
            stopTexts: prompt.stop
        )
        var limits = Scheduler.Limits()
        limits.contextLength = ctxSize > 0 ? ctxSize : file.description.contextLength
        let forward = try load(file, for: request, limits)
        let engine = Engine(forward: forward, tokenizer: tokenizer, limits: limits)
        var result: GenerationResult?
        _ = try engine.add(request) { event in
            switch event {
            case .scores: break
            case .prefill(let done, let total): output.showPrompt(done: done, total: total)
            case .token(_, let piece), .text(let piece): output.write(piece)
            case .ended(let end): result = end
            }
        }
        while engine.hasWork { engine.step() }
        guard let result else { throw CommandFailure("the engine stopped without an answer") }
        return (result, (forward.experts as? any LossyRunner)?.uses)
    }
}
