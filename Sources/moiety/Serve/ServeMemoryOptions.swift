import ArgumentParser
import Cluster
import Settings

/// What the workers of `moiety serve` may have in memory; what is not said is as their settings
/// have it.
struct ServeMemoryOptions: ParsableArguments {
    @Option(
        help: """
            Memory that all workers together may take, like 8GiB; each gets an equal part. \
            Experts that do not fit are read from disk when they are chosen; answers stay the \
            same. The coordinator takes what attention needs besides. Default: what is needed.
            """,
        transform: MemoryBudgetOptions.size
    )
    var memory: Int?

    @Option(
        help: """
            Trade accuracy for speed where experts do not fit: hobbit reads those that weigh \
            little in fewer bits, or not at all; resident keeps all of them in memory in fewer \
            bits, and never waits. Each answer says how inexact it is. Default: answers stay exact.
            """,
        transform: Self.kind
    )
    var lossy: LossyKind?

    @Option(
        help: "What experts have then in fewer bits: q4, q3 or q2. Default: as in their settings.",
        transform: Self.tier
    )
    var lowTier: LossySettings.Tier?

    @Option(help: "Where experts lie then, instead of the directory in the workers' settings.")
    var cacheDirectory: String?

    func validate() throws {
        guard lossy == nil || memory != nil else {
            throw ValidationError("--lossy is for experts that do not fit; say how much --memory")
        }
        guard lowTier == nil || lossy != nil else {
            throw ValidationError("--low-tier is for --lossy hobbit or resident")
        }
    }

    private static func kind(_ text: String) throws -> LossyKind {
        guard let kind = LossyKind.allCases.first(where: { $0.name == text }) else {
            throw ValidationError(
                "--lossy is '\(text)'; it must be hobbit or resident (emoe is for one process: "
                    + "moiety run --lossy emoe)"
            )
        }
        return kind
    }

    private static func tier(_ text: String) throws -> LossySettings.Tier {
        guard let tier = LossySettings.Tier(rawValue: text) else {
            throw ValidationError("--low-tier is '\(text)'; it must be q4, q3 or q2")
        }
        return tier
    }

    /// What each of so many workers gets.
    func ofEachWorker(among workerCount: Int) -> WorkerMemory {
        WorkerMemory(
            byteCount: memory.map { $0 / max(1, workerCount) },
            lossy: lossy,
            lowTier: lowTier,
            cacheDirectory: cacheDirectory
        )
    }
}
