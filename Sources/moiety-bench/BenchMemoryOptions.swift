import ArgumentParser
import Caching
import Experts
import Terminal

/// How much memory this process may have, and how experts are kept and read that do not fit.
struct BenchMemoryOptions: ParsableArguments {
    @OptionGroup var budget: MemoryBudgetOptions

    @Option(help: "Layers ahead whose experts are guessed and read, 0 to 3; 0 for none.")
    var foresight = ResidencyOptions().foresight

    @Option(help: "Which expert gives way: forecast, lru, lfu, hobbit or lcu.")
    var cachePolicy = CachePolicyName.forecast

    @Option(help: "The part of their memory that fewer bits take in hobbit, 0 (the least) to 0.95.")
    var lowShare = TierOptions.usualLowShare

    @Option(help: "Up to this unimportance a missing expert comes as in the file, in hobbit.")
    var t1 = LoadThresholds().low

    @Option(help: "Above this unimportance it is left out.")
    var t2 = LoadThresholds().skip

    func validate() throws {
        guard TierOptions.lowShareRange.contains(lowShare) else {
            throw ValidationError("--low-share is \(lowShare); it must be 0 to 0.95")
        }
        guard t1 >= 0, t2 >= t1 else {
            throw ValidationError("--t1 is \(t1) and --t2 \(t2); it must be 0 <= t1 <= t2")
        }
        try requireRange("--foresight", foresight, ResidencyOptions.foresightRange)
    }

    /// Nil where nothing is limited.
    func allowance() throws -> MemoryAllowance? {
        try budget.allowance(
            options: ResidencyOptions(policy: cachePolicy.policy, foresight: foresight),
            thresholds: LoadThresholds(low: t1, skip: t2),
            lowShare: lowShare
        )
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
