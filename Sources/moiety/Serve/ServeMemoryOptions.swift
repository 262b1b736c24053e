import ArgumentParser
import Model
import Settings
import Terminal

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

    @OptionGroup var mode: LossyModeOptions
    @OptionGroup var place: PackedExpertsOptions

    func validate() throws {
        try mode.requireMemory(memory)
        guard let lossy = mode.lossy, lossy.kind == nil else { return }
        throw ValidationError("--lossy is '\(lossy.name)'; it must be \(LossySettings.kinds)")
    }

    /// What each of so many workers gets.
    func ofEachWorker(among workerCount: Int) -> WorkerMemory {
        WorkerMemory(
            byteCount: memory.map { $0 / max(1, workerCount) },
            lossy: mode.lossy?.kind,
            lowTier: mode.lowTier,
            place: place.given
        )
    }
}
