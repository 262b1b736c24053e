public import ArgumentParser
public import Experts
import Settings
import Storage

/// How much memory this process may have, and where experts are that do not fit.
struct MemoryBudgetOptions: ParsableArguments {
    @Option(
        help: """
            Memory that this process may take, like 4GiB. Experts that do not fit are read from \
            disk when they are chosen; the answer stays the same. Default: what it needs.
            """,
        transform: Self.size
    )
    var memory: Int?

    @Option(
        help: """
            Trade accuracy for speed where experts do not fit: hobbit reads those that weigh \
            little in fewer bits, or not at all; resident keeps all of them in memory in fewer \
            bits, and never waits. Default: answers stay exact.
            """
    )
    var lossy: LossyOptions.ModeName?

    @Option(help: "What experts have then in fewer bits: q4, q3, q2, or none for not at all.")
    var lowTier = LossyOptions.TierName.q3

    @Option(
        help: """
            How much columns of their matrices matter, for rounding them to fewer bits: a file of \
            moiety-bench importance.
            """
    )
    var importance: String?

    @Option(help: "Where they lie then, instead of the directory in the worker's settings.")
    var cacheDirectory: String?

    func validate() throws {
        guard lossy == nil || memory != nil else {
            throw ValidationError("--lossy is for experts that do not fit; say how much --memory")
        }
        guard lossy == nil || lowTier != .none else {
            throw ValidationError("--lossy needs a low tier; --low-tier is none")
        }
        guard importance == nil || lossy != nil else {
            throw ValidationError("--importance is for experts in fewer bits; it needs --lossy")
        }
    }

    private var lossyOptions: LossyOptions? {
        var options = lossy.flatMap { LossyOptions($0, tier: lowTier) }
        options?.importancePath = importance
        return options
    }

    /// Nil where nothing is limited.
    func budget() throws -> MemoryAllowance? {
        guard let memory else { return nil }
        var given: [String: String] = [:]
        given["worker.cache-directory"] = cacheDirectory
        let settings = try WorkerSettings.load(commandLine: given)
        return MemoryAllowance(
            byteCount: memory,
            cache: try ExpertCache(
                path: settings.cacheDirectory,
                byteLimit: settings.cacheByteCount
            ),
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

extension LossyOptions.ModeName: ExpressibleByArgument {}
extension LossyOptions.TierName: ExpressibleByArgument {}
