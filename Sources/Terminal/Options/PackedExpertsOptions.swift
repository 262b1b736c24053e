public import ArgumentParser
import Settings
public import Storage

/// Where experts lie that do not fit into memory, and how much they may take there.
public struct PackedExpertsOptions: ParsableArguments {
    @Option(help: "Where experts lie that do not fit, instead of the worker's settings' directory.")
    public var cacheDirectory: String?

    @Option(
        help: "What that directory may take, like 200GB, instead of what the settings say.",
        transform: Self.size
    )
    public var cacheSize: Int?

    public init() {}

    /// What is said, by the names that a worker's settings and options have.
    public var given: [(name: String, value: String)] {
        let values = [
            ("cache-directory", cacheDirectory), ("cache-size", cacheSize.map { "\($0)" }),
        ]
        return values.compactMap { name, value in value.map { (name: name, value: $0) } }
    }

    /// The cache that is meant, by what is said here or else by the worker's settings.
    public func cache() throws -> ExpertCache {
        let values = given.map { ("worker.\($0.name)", $0.value) }
        let settings = try WorkerSettings.load(
            commandLine: Dictionary(uniqueKeysWithValues: values)
        )
        return try ExpertCache(path: settings.cacheDirectory, byteLimit: settings.cacheByteCount)
    }

    private static func size(_ text: String) throws -> Int {
        guard let size = ByteCountText.byteCount(of: text) else {
            throw ValidationError("--cache-size is '\(text)'; it must be like 500MB, 200GB or 0")
        }
        return size
    }
}
