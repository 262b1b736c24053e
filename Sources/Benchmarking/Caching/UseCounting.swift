import Experts
public import Kernels
public import Model
public import Placement

/// Counts which experts texts use, in one process.
public struct UseCounting {
    private let loaded: LoadedModel
    private let counter: CountingRunner

    public init(
        _ file: ModelFile,
        kernels: Kernels,
        progress: @Sendable (Double) -> Void = { _ in }
    ) throws(ModelError) {
        let expertCounts = file.description.expertCounts
        (loaded, counter) = try LoadedModel.watched(file, kernels: kernels, progress: progress) {
            CountingRunner(LocalRunner(held: $0, kernels: kernels), expertCounts: expertCounts)
        }
    }

    /// How often each expert is used by a task's text; nothing of pairs.
    ///
    /// - Parameter windows: of tokens, computed each by itself.
    public func profile(of task: String, _ windows: [[Int32]]) throws -> Profile {
        counter.forget()
        for window in windows { try loaded.compute(window) }
        return Profile(
            task: task,
            rows: Double(windows.reduce(0) { $0 + $1.count }),
            topK: max(1, loaded.file.description.expertsPerToken),
            layers: counter.uses.map { Profile.Layer(activations: $0) }
        )
    }
}
