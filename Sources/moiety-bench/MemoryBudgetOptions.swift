public import ArgumentParser
import Caching
public import Experts
import Settings
import Storage

/// How much memory this process may have, and where experts are that do not fit.
struct MemoryBudgetOptions: ParsableArguments {
    @Option(
        help: "Memory that this process may take, like 4GiB; experts beyond it are on disk.",
        transform: Self.size
    )
    var memory: Int?

    @Option(help: "Where they lie then, instead of the directory in the worker's settings.")
    var cacheDirectory: String?

    @Option(help: "Layers ahead whose experts are guessed and read, 0 to 3; 0 for none.")
    var foresight = ResidencyOptions().foresight

    @Option(help: "Which expert gives way: forecast, lru, lfu, hobbit or lcu.")
    var cachePolicy = CachePolicyName.forecast

    @Option(help: "Trade accuracy for speed or memory: hobbit, resident or emoe.")
    var lossy: LossyOptions.ModeName?

    @Option(help: "What experts have then in fewer bits: q4, q3 or q2. Default: q3.")
    var lowTier: LossyOptions.TierName?

    @Option(help: "What their rounding goes by: a file of moiety-bench importance.")
    var importance: String?

    @Option(help: "The part of their memory that fewer bits take in hobbit, 0 (the least) to 0.95.")
    var lowShare = TierOptions.usualLowShare

    @Option(help: "Up to this unimportance a missing expert comes as in the file, in hobbit.")
    var t1 = LoadThresholds().low

    @Option(help: "Above this unimportance it is left out.")
    var t2 = LoadThresholds().skip

    func validate() throws {
        guard lossy == nil || memory != nil else {
            throw ValidationError("--lossy is for experts that do not fit; say how much --memory")
        }
        guard importance == nil || lossy?.hasTiers == true else {
            throw ValidationError("--importance is for --lossy hobbit or resident")
        }
        guard lowTier == nil || lossy?.hasTiers == true else {
            throw ValidationError("--low-tier is for --lossy hobbit or resident")
        }
        guard lowTier != LossyOptions.TierName.none else {
            throw ValidationError("--lossy \(lossy?.rawValue ?? "") needs a low tier, not none")
        }
        guard TierOptions.lowShareRange.contains(lowShare) else {
            throw ValidationError("--low-share is \(lowShare); it must be 0 to 0.95")
        }
        guard t1 >= 0, t2 >= t1 else {
            throw ValidationError("--t1 is \(t1) and --t2 \(t2); it must be 0 <= t1 <= t2")
        }
        try requireRange("--foresight", foresight, ResidencyOptions.foresightRange)
    }

    private var lossyOptions: LossyOptions? {
        let thresholds = LoadThresholds(low: t1, skip: t2)
        return lossy.flatMap {
            LossyOptions(
                $0,
                tier: lowTier ?? .q3,
                thresholds: thresholds,
                lowShare: lowShare,
                importance: importance
            )
        }
    }

    /// Nil where nothing is limited.
    func budget() throws -> MemoryAllowance? {
        guard let memory else { return nil }
        var given: [String: String] = [:]
        given["worker.cache-directory"] = cacheDirectory
        let settings = try WorkerSettings.load(commandLine: given)
        let cache = try ExpertCache(
            path: settings.cacheDirectory,
            byteLimit: settings.cacheByteCount
        )
        return MemoryAllowance(
            byteCount: memory,
            cache: cache,
            options: ResidencyOptions(policy: cachePolicy.policy, foresight: foresight),
            lossy: lossyOptions
        )
    }

    private static func size(_ text: String) throws -> Int {
        guard let size = ByteCountText.byteCount(of: text), size > 0 else {
            throw ValidationError("--memory is '\(text)'; it must be like 4GiB or 500MB")
        }
        return size
    }
}

/// A cache policy by its name, with the numbers that it comes with.
enum CachePolicyName: String, CaseIterable, ExpressibleByArgument {
    case forecast, lru, lfu, hobbit, lcu

    var policy: CachePolicy {
        switch self {
        case .forecast: .standard
        case .lru: .lru
        case .lfu: .lfu
        case .hobbit: .hobbit(.equal)
        case .lcu: .lcu(lowCost: 0.25)
        }
    }
}

extension LossyOptions.ModeName: ExpressibleByArgument {}
extension LossyOptions.TierName: ExpressibleByArgument {}
