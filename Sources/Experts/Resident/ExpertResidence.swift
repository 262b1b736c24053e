public import ExpertStore
public import Kernels
public import Model
public import Storage
import Tensors

/// Puts a model's experts where a memory budget allows: all into memory, or some of them, and the
/// others on disk as they are computed.
public struct ExpertResidence: Sendable {
    /// Something that makes it slower, or larger than it should be.
    public enum Trouble: Sendable, CustomStringConvertible {
        /// There is no file of packed experts yet; this process makes it.
        case packing(byteCount: Int, path: String)
        /// The file of packed experts cannot be read past the system's page cache.
        case cached(path: String)
        /// There is no store; all experts come from the model file.
        case noStore(StoreError)
        /// An expert came from the model file.
        case fallback(StoreError)
        /// The low tier is larger than its name says, where rows are too short for its blocks.
        case shortRows(LowTier, layerCount: Int)
        /// The low tier has layers as they are in the file, where they are no larger.
        case notLarger(LowTier, layerCount: Int)

        public var description: String {
            switch self {
            case .packing(let byteCount, let path):
                "packing \(MemoryPlanError.text(byteCount)) of experts into \(path), once for all "
                    + "runs"
            case .cached(let path):
                "\(path) is read through the system's page cache, which is slower: its file system "
                    + "knows no other way; have the cache on another one (--cache-directory)"
            case .noStore(let error):
                "experts are read from the model file, which is slow: \(error)"
            case .fallback(let error): "an expert is read from the model file: \(error)"
            case .shortRows(let tier, let count):
                "experts of \(count) layers have rows that are no whole blocks of 256: they are "
                    + "held in Q4_0, not in \(tier.rawValue)"
            case .notLarger(let tier, let count):
                "experts of \(count) layers take no more in the file than in \(tier.rawValue): "
                    + "they stay as they are; a lower --low-tier would make them smaller"
            }
        }
    }

    let model: ModelFile
    let cache: ExpertCache
    let kernels: Kernels
    let options: ResidencyOptions
    private let lossy: LossyOptions?

    /// - Parameters:
    ///   - cache: where packed experts are kept.
    ///   - lossy: nil for exact answers.
    public init(
        _ model: ModelFile,
        cache: ExpertCache,
        kernels: Kernels,
        options: ResidencyOptions = ResidencyOptions(),
        lossy: LossyOptions? = nil
    ) {
        self.model = model
        self.cache = cache
        self.kernels = kernels
        self.options = options
        self.lossy = lossy
    }

    /// What this process has in memory now, and takes besides experts.
    ///
    /// - Parameter working: what steps take, from `WorkingMemory` or the like.
    public static func fixedByteCount(working: Int) -> Int {
        (MemoryBudget.residentByteCount() ?? 0) + working + spareByteCount
    }

    /// For pages of the program that were not used yet, and the allocator's gaps.
    private static let spareByteCount = 16 << 20

    /// A runner for experts that, with everything else, keep to the budget; a `LossyRunner` where
    /// they do not fit and accuracy may be given.
    ///
    /// The calling thread must not be bound to a CPU yet: threads that it starts would be, too.
    ///
    /// - Parameters:
    ///   - budget: bytes that the process may have in memory.
    ///   - fixed: what it has and takes for everything but experts.
    ///   - progress: told the share of the packing, or of the loading, that is done.
    ///   - onTrouble: told what makes it slower.
    public func runner(
        budget: Int,
        fixed: Int,
        progress: @Sendable (Double) -> Void = { _ in },
        onTrouble: @escaping (Trouble) -> Void = { _ in }
    ) throws -> any ExpertRunner {
        let layout = try StoreLayout(model.layout)
        let needs = MemoryPlan.Needs(model.description, layout, fixed: fixed)
        // What fits stays exact.
        if let lossy, budget < fixed + needs.experts {
            switch lossy {
            case .tiers(let tiers):
                return try runner(
                    tiers,
                    budget: budget,
                    fixed: fixed,
                    progress: progress,
                    onTrouble: onTrouble
                )
            case .emoe(let options):
                return try runner(options, needs, budget: budget, progress, onTrouble)
            }
        }
        let plan = try MemoryPlan(budget: budget, needs)
        guard let slotCount = plan.slotCount else {
            return LocalRunner(held: try loadAll(layout.experts, progress), kernels: kernels)
        }
        let experts = SlottedExperts(
            try stored(nil, slotCount, progress, onTrouble),
            options: options,
            kernels: kernels,
            onTrouble: { onTrouble(.fallback($0)) }
        )
        return ResidentRunner(experts)
    }

    private func loadAll(
        _ experts: [ExpertID],
        _ progress: @Sendable (Double) -> Void
    ) throws(ModelError) -> HeldExperts {
        var held = HeldExperts(expertCounts: model.description.expertCounts)
        let loader = ExpertLoader(model: model, threadCount: kernels.threadCount)
        let weights = try loader.load(
            experts,
            progress: {
                progress(Double($0.loadedByteCount) / Double(max(1, $0.totalByteCount)))
            }
        )
        for (id, expert) in zip(experts, weights) { held.insert(expert, as: id) }
        return held
    }
}
