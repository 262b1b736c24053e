import ArgumentParser
import Caching
import Experts
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

    func validate() throws {
        try requireRange("--foresight", foresight, ResidencyOptions.foresightRange)
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
            options: ResidencyOptions(policy: cachePolicy.policy, foresight: foresight)
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
