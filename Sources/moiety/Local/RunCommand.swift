import ArgumentParser
import Experts
import Foundation
import Generation
import Inference
import Model
import Tensors
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
    @OptionGroup var memory: LocalMemoryOptions

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
        /// The most that this process had in memory; nil without a budget.
        let peak: Int?
        /// That experts were chosen for; nil where that is nobody's.
        let task: String?
        /// Nil where all experts were in memory.
        let disk: BudgetFigures?

        enum CodingKeys: String, CodingKey {
            case text, tokens, task, disk
            case peak = "peak_memory_bytes"
            case promptTokens = "prompt_tokens"
            case prefillRate = "prefill_tok_s"
            case decodeRate = "decode_tok_s"
        }
    }

    private struct Outcome {
        let result: GenerationResult
        /// In which way it is not exact; nil where it is.
        let deviation: Deviation?
        /// Nil where all experts were in memory.
        let disk: BudgetFigures?
        let model: ModelDescription

        func tell(_ output: AnswerOutput, isLimited: Bool) {
            output.end(summary: AnswerSummary(result, deviation))
            guard isLimited else { return }
            Console.note(disk?.text ?? BudgetFigures.textOfAll(model))
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
            let text = try prompt.read()
            let work = try memory.work(of: text)
            let outcome = try generate(text, work, into: output)
            let result = outcome.result
            if case .failed(let message) = result.reason { throw CommandFailure(message) }
            let isLimited = memory.memory != nil
            guard json else { return outcome.tell(output, isLimited: isLimited) }
            let answer = Answer(
                text: output.text,
                tokens: result.tokens,
                promptTokens: result.promptTokenCount,
                prefillRate: result.prefillRate,
                decodeRate: result.decodeRate,
                peak: isLimited ? MemoryBudget.peakByteCount() : nil,
                task: outcome.deviation == nil ? nil : work.task,
                disk: outcome.disk
            )
            // Whoever allowed for it reads that nothing was inexact where all experts fit.
            let none = memory.lossy.map { _ in Deviation(TierUses(), nil) }
            try Console.writeJSON(Joined(answer, outcome.deviation ?? none))
        }
    }

    private func load(
        _ file: ModelFile,
        _ work: LocalMemoryOptions.Work,
        for request: GenerationRequest,
        _ limits: Scheduler.Limits
    ) throws -> ForwardPass {
        guard let budget = try memory.allowance(for: work) else {
            return try LocalModel.load(
                file,
                threads: model.computeThreads(),
                planPath: plan,
                cacheFormat: cache.format
            )
        }
        let wanted = request.prompt.count + min(prompt.maximumTokens, limits.contextLength)
        return try LocalModel.load(
            file,
            threads: model.computeThreads(),
            budget: budget,
            positions: min(wanted, limits.contextLength),
            rows: min(request.prompt.count, limits.stepRows),
            cacheFormat: cache.format
        )
    }

    private func generate(
        _ text: [UInt8],
        _ work: LocalMemoryOptions.Work,
        into output: AnswerOutput
    ) throws -> Outcome {
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
        if memory.memory != nil { limits.stepRows = Scheduler.Limits.stepRowsFromDisk }
        limits.contextLength = ctxSize > 0 ? ctxSize : file.description.contextLength
        let forward = try load(file, work, for: request, limits)
        let engine = Engine(forward: forward, tokenizer: tokenizer, limits: limits)
        let lossy = forward.experts as? any LossyRunner
        let budgeted = forward.experts as? any BudgetedRunner
        try lossy?.beginPrompt(tokenCount: request.prompt.count)
        var result: GenerationResult?
        var promptFigures: ResidencyFigures?
        _ = try engine.add(request) { event in
            switch event {
            case .scores: break
            case .prefill(let done, let total): output.showPrompt(done: done, total: total)
            case .token(_, let piece):
                promptFigures = promptFigures ?? budgeted?.figures
                output.write(piece)
            case .text(let piece): output.write(piece)
            case .ended(let end): result = end
            }
        }
        while engine.hasWork { engine.step() }
        guard let result else { throw CommandFailure("the engine stopped without an answer") }
        let disk = budgeted.map {
            let budget = memory.memory ?? 0
            return BudgetFigures(
                $0,
                file.description,
                budget: budget,
                prompt: promptFigures,
                result
            )
        }
        return Outcome(
            result: result,
            deviation: lossy.map { Deviation($0) },
            disk: disk,
            model: file.description
        )
    }
}
