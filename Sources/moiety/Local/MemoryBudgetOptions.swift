import ArgumentParser
import Experts
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

    @Option(help: "Where they lie then, instead of the directory in the worker's settings.")
    var cacheDirectory: String?

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
            )
        )
    }

    private static func size(_ text: String) throws -> Int {
        guard let size = ByteCountText.byteCount(of: text), size > 0 else {
            throw ValidationError("--memory is '\(text)'; it must be like 4GiB or 500MB")
        }
        return size
    }
}
