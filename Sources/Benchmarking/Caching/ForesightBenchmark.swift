import Experts
public import Inference
public import Kernels
public import Model

/// How often routers that are asked before their layers come choose what they choose then.
///
/// Each layer's router is asked with the stream as it is, up to three layers early (HOBBIT, 3.3).
/// All experts are in memory: whether a guess is right depends on nothing else.
public struct ForesightBenchmark {
    private let loaded: LoadedModel
    private let judge: ForesightJudge

    public init(
        _ file: ModelFile,
        kernels: Kernels,
        progress: @Sendable (Double) -> Void = { _ in }
    ) throws(ModelError) {
        (loaded, judge) = try LoadedModel.watched(file, kernels: kernels, progress: progress) {
            ForesightJudge(LocalRunner(held: $0, kernels: kernels))
        }
    }

    /// What came of guesses of a text's tokens, by how many layers ahead: 0 once all layers before
    /// are done, 1 when the layer before was asked for its experts, and so on.
    ///
    /// - Parameter windows: of tokens, computed each by itself.
    public func run(_ windows: [[Int32]]) throws(ForwardError) -> [ForesightScore] {
        judge.forget()
        for window in windows { try loaded.compute(window) }
        return judge.scores
    }
}
