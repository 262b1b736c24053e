import Experts
import Generation
public import Inference
import Kernels
public import Model

/// Prefill and decode of one process, measured as llama-bench measures them.
///
/// Both are measured alone and from warm memory. Tokens are random ids from a seed, also while
/// decoding: what a model with random weights would choose may be one token for ever, and then
/// batch-mates would share all their experts. The choice is computed all the same.
public final class ModelBenchmark {
    public struct Options: Equatable, Sendable {
        /// Tokens of each prompt; 0 measures no prefill.
        public var promptTokenCount = 512
        /// Tokens made for each sequence; 0 measures no decode.
        public var generatedTokenCount = 64
        /// Tokens that each sequence's context holds before decode is measured.
        public var depth = 0
        /// Sequences that are decoded together, and prompts that are read one after the other.
        public var sequenceCount = 1
        public var seed: UInt64 = 1

        public init() {}

        /// What measuring a model takes beside its weights.
        public func workingMemory(_ model: ModelDescription, threadCount: Int) -> WorkingMemory {
            let decoding = generatedTokenCount > 0 ? [depth + generatedTokenCount] : []
            let sequence = (promptTokenCount > 0 ? [promptTokenCount] : []) + decoding
            return WorkingMemory(
                model,
                positions: Array(repeating: sequence, count: sequenceCount).flatMap { $0 },
                rows: max(
                    min(max(promptTokenCount, depth), Scheduler.Limits.stepRowsFromDisk),
                    sequenceCount
                ),
                threadCount: threadCount
            )
        }
    }

    private let forward: ForwardPass
    private let options: Options
    private var random: SeededRandom
    private var logits: [Float] = []
    /// Filled up to `depth`; each repetition decodes from there.
    private var deepContexts: [SequenceContext] = []
    /// Rows of one step of a prompt, as in the daemons and in `moiety run`.
    private let chunk: Int

    public init(_ model: LoadedModel, options: Options) {
        forward = model.forward
        self.options = options
        chunk =
            model.resident == nil
            ? Scheduler.Limits().stepRows : Scheduler.Limits.stepRowsFromDisk
        random = SeededRandom(seed: options.seed)
    }

    /// Reads the prompts once and makes a few tokens, so that memory and caches are warm, and
    /// fills the contexts that decode starts with.
    ///
    /// Where tokens take only experts that are in memory, these are chosen meanwhile.
    public func warmUp(progress: (Double) -> Void = { _ in }) throws(ForwardError) {
        if let runner = forward.experts as? any LossyRunner {
            let first = options.promptTokenCount > 0 ? options.promptTokenCount : options.depth
            do throws(ExpertRunnerError) {
                try runner.beginPrompt(tokenCount: first)
            } catch {
                throw .experts(error)
            }
        }
        if options.promptTokenCount > 0 {
            let context = try forward.makeContext(capacity: options.promptTokenCount)
            try read(options.promptTokenCount, into: context)
        }
        guard options.generatedTokenCount > 0 else { return }
        for sequence in 0..<options.sequenceCount {
            let context = try forward.makeContext(
                capacity: options.depth + options.generatedTokenCount
            )
            try read(options.depth, into: context)
            deepContexts.append(context)
            progress(Double(sequence + 1) / Double(options.sequenceCount))
        }
        try decode(steps: min(4, options.generatedTokenCount))
    }

    /// Prompt tokens per second.
    public func prefillRate() throws(ForwardError) -> Double {
        var contexts: [SequenceContext] = []
        for _ in 0..<options.sequenceCount {
            contexts.append(try forward.makeContext(capacity: options.promptTokenCount))
        }
        let start = ContinuousClock.now
        for context in contexts { try read(options.promptTokenCount, into: context) }
        let count = options.promptTokenCount * options.sequenceCount
        return Double(count) / ((ContinuousClock.now - start) / .seconds(1))
    }

    /// Tokens made per second, of all sequences together.
    public func decodeRate() throws(ForwardError) -> Double {
        let start = ContinuousClock.now
        try decode(steps: options.generatedTokenCount)
        let count = options.generatedTokenCount * options.sequenceCount
        return Double(count) / ((ContinuousClock.now - start) / .seconds(1))
    }

    /// Runs `count` random tokens through the model in chunks; the last one's logits are wanted.
    private func read(_ count: Int, into context: SequenceContext) throws(ForwardError) {
        for start in stride(from: 0, to: count, by: chunk) {
            let length = min(chunk, count - start)
            var batch = Batch()
            batch.append(
                (0..<length).map { _ in randomToken() }[...],
                from: start,
                of: context,
                logits: start + length == count ? .last : .none
            )
            try forward.run(batch, logits: &logits)
        }
    }

    private func decode(steps: Int) throws(ForwardError) {
        let width = forward.model.vocabularyCount
        for step in 0..<steps {
            var batch = Batch()
            for context in deepContexts {
                let token = [randomToken()]
                batch.append(token[...], from: options.depth + step, of: context, logits: .last)
            }
            try forward.run(batch, logits: &logits)
            for row in deepContexts.indices {
                let row = logits[row * width..<(row + 1) * width]
                try forward.requireFinite(row)
                let chosen = forward.kernels.largest(row)
                precondition(chosen < width, "token \(chosen) was chosen")
            }
        }
    }

    private func randomToken() -> Int32 {
        Int32(random.next() % UInt64(forward.model.vocabularyCount))
    }
}
