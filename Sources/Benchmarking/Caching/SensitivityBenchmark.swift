import Experts
import Generation
public import Inference
public import Kernels
public import Model

/// How much of a task's answers is left if the first layers use random experts.
///
/// As eMoE has it: layers are randomised one more at a time, from the input on. Those that can all
/// be random while the answers stay alike are insensitive.
public struct SensitivityBenchmark {
    private let loaded: LoadedModel
    private let runner: RandomisingRunner

    public init(
        _ file: ModelFile,
        kernels: Kernels,
        progress: @Sendable (Double) -> Void = { _ in }
    ) throws(ModelError) {
        let expertCounts = file.description.expertCounts
        (loaded, runner) = try LoadedModel.watched(file, kernels: kernels, progress: progress) {
            RandomisingRunner(
                LocalRunner(held: $0, kernels: kernels),
                expertCounts: expertCounts
            )
        }
    }

    /// Layers with experts, the first of which are randomised.
    public var expertLayers: [Int] {
        let counts = loaded.file.description.expertCounts
        return counts.indices.filter { counts[$0] > 0 }
    }

    /// What a number of random layers does to a text.
    public struct Result: Sendable {
        public let randomLayers: Int
        /// Which part of the positions has the same likeliest next token as without randomising.
        public let agreement: Double
        public let perplexity: Double
    }

    /// - Parameter windows: tokens of a text, each window by itself.
    public func run(
        _ windows: [[Int32]],
        progress: (String) -> Void = { _ in }
    ) throws(ForwardError) -> [Result] {
        var exact: [Int32] = []
        var results: [Result] = []
        for count in 0...expertLayers.count {
            progress("\(count) of \(expertLayers.count) layers random")
            runner.end = count > 0 ? expertLayers[count - 1] + 1 : 0
            let outcome = try evaluate(windows)
            if count == 0 { exact = outcome.best }
            let same = zip(exact, outcome.best).count { $0 == $1 }
            results.append(
                Result(
                    randomLayers: count,
                    agreement: Double(same) / Double(max(1, exact.count)),
                    perplexity: outcome.perplexity
                )
            )
        }
        return results
    }

    private func evaluate(
        _ windows: [[Int32]]
    ) throws(ForwardError) -> (best: [Int32], perplexity: Double) {
        var best: [Int32] = []
        var score = Perplexity(tokens: [], windowLength: 4, bos: nil)
        for window in windows {
            let evaluation = Evaluation(forward: loaded.forward, tokens: window)
            while !evaluation.isFinished {
                try evaluation.step { position, logits in
                    best += Evaluation.top(1, of: logits).ids
                    guard position + 1 < window.count else { return }
                    score.add(
                        logProbability: Perplexity.logProbability(
                            of: window[position + 1],
                            in: logits
                        )
                    )
                }
            }
        }
        return (best, score.value ?? 0)
    }
}
