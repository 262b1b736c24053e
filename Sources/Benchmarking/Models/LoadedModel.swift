public import Experts
import Generation
public import Inference
public import Kernels
public import Model

/// A whole model in this process, as `moiety run` has it.
public struct LoadedModel {
    public let file: ModelFile
    public let forward: ForwardPass
    public let kernels: Kernels
    /// Where experts come from that do not fit into memory; nil where all do.
    public let resident: (any BudgetedRunner)?
    /// The file of packed experts, if there is one.
    public let storePath: String?

    /// Of all sequences together; memory is taken as they fill.
    private static let mostPositions = 1 << 22

    /// - Parameter progress: told the share of the experts that is loaded, from any thread.
    public init(
        _ file: ModelFile,
        kernels: Kernels,
        cacheFormat: CacheFormat = .f16,
        progress: @Sendable (Double) -> Void = { _ in }
    ) throws(ModelError) {
        try self.init(
            file,
            kernels: kernels,
            cacheFormat: cacheFormat,
            experts: LocalRunner(
                held: Self.loadExperts(of: file, kernels: kernels, progress: progress),
                kernels: kernels
            )
        )
    }

    /// A model, and what stands between its forward pass and its experts.
    ///
    /// - Parameter watch: given all experts.
    static func watched<Watcher: ExpertRunner>(
        _ file: ModelFile,
        kernels: Kernels,
        progress: @Sendable (Double) -> Void,
        by watch: (HeldExperts) -> Watcher
    ) throws(ModelError) -> (model: LoadedModel, watcher: Watcher) {
        let watcher = watch(try loadExperts(of: file, kernels: kernels, progress: progress))
        return (try LoadedModel(file, kernels: kernels, experts: watcher), watcher)
    }

    private init(
        _ file: ModelFile,
        kernels: Kernels,
        cacheFormat: CacheFormat = .f16,
        experts: any ExpertRunner
    ) throws(ModelError) {
        self.file = file
        self.kernels = kernels
        resident = nil
        storePath = nil
        forward = ForwardPass(
            model: file.description,
            weights: try CoreWeights(
                from: WeightReader(model: file, threadCount: kernels.threadCount)
            ),
            kernels: kernels,
            experts: experts,
            cache: CacheLimits(positions: Self.mostPositions, format: cacheFormat)
        )
    }

    /// Computes a window of a text, by itself, for whoever watches.
    func compute(_ window: [Int32]) throws(ForwardError) {
        let evaluation = Evaluation(forward: forward, tokens: window)
        while !evaluation.isFinished { try evaluation.step { _, _ in } }
    }

    private static func loadExperts(
        of file: ModelFile,
        kernels: Kernels,
        progress: @Sendable (Double) -> Void
    ) throws(ModelError) -> HeldExperts {
        let expertCounts = file.description.expertCounts
        let ids = expertCounts.enumerated().flatMap { layer, count in
            (0..<count).map { ExpertID(layer: LayerIndex(layer), index: $0) }
        }
        let loader = ExpertLoader(model: file, threadCount: kernels.threadCount)
        let experts = try loader.load(
            ids,
            progress: {
                progress(Double($0.loadedByteCount) / Double(max(1, $0.totalByteCount)))
            }
        )
        var held = HeldExperts(expertCounts: expertCounts)
        for (id, expert) in zip(ids, experts) { held.insert(expert, as: id) }
        return held
    }

    /// As `moiety run --memory` has it.
    ///
    /// The calling thread must not be bound to a CPU yet: threads that it starts would be, too.
    ///
    /// - Parameters:
    ///   - working: what steps take, and whoever measures them.
    ///   - progress: told the share of the experts that is packed or loaded, from any thread.
    ///   - onTrouble: told what makes experts slower.
    public init(
        _ file: ModelFile,
        kernels: Kernels,
        budget: MemoryAllowance,
        working: Int,
        progress: @Sendable (Double) -> Void,
        onTrouble: @escaping (ExpertResidence.Trouble) -> Void
    ) throws {
        self.file = file
        self.kernels = kernels
        let weights = try CoreWeights(
            from: WeightReader(model: file, threadCount: kernels.threadCount)
        )
        let residence = ExpertResidence(
            file,
            cache: budget.cache,
            kernels: kernels,
            options: budget.options,
            lossy: budget.lossy
        )
        let experts = try residence.runner(
            budget: budget.byteCount,
            fixed: ExpertResidence.fixedByteCount(working: working),
            progress: progress,
            onTrouble: onTrouble
        )
        resident = experts as? any BudgetedRunner
        storePath = try StoreMaker(file, cache: budget.cache).existingPath
        forward = ForwardPass(
            model: file.description,
            weights: weights,
            kernels: kernels,
            experts: experts,
            cache: CacheLimits(positions: Self.mostPositions)
        )
    }
}
