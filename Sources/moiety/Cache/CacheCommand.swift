import ArgumentParser
import Settings
import Storage

struct CacheCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache",
        abstract: "Look after the experts that this machine's workers got from a coordinator.",
        discussion: """
            To be run on a worker's machine, as the worker's user. What a living worker needs is \
            never removed but by 'verify', where it is damaged; the worker has it in memory.
            """,
        subcommands: [ListCommand.self, PruneCommand.self, VerifyCommand.self]
    )
}

/// Which cache is meant: the one that workers of these settings use.
struct ExpertCacheOptions: ParsableArguments {
    @Option(help: "The cache's directory, instead of the one in the worker's settings.")
    var cacheDirectory: String?

    @Option(help: "The worker's settings file, instead of the user's or the system's.")
    var config: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    /// The cache, or nil where no worker has made it yet.
    func open() throws -> (path: String, cache: ExpertCache?) {
        var given: [String: String] = [:]
        given["worker.cache-directory"] = cacheDirectory
        let settings = try WorkerSettings.load(commandLine: given, file: config)
        let path = settings.cacheDirectory
        guard ExpertCache.exists(at: path) else { return (path, nil) }
        return (path, try ExpertCache(path: path, byteLimit: settings.cacheByteCount))
    }
}
