import ArgumentParser
import Settings
import Storage
import Terminal

extension CacheCommand {
    struct PruneCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "prune",
            abstract: "Remove what was not used for the longest time."
        )

        @OptionGroup var options: ExpertCacheOptions

        @Option(
            help:
                "What the cache may take afterwards: 10GB, or 0 for nothing. Default: cache-size.",
            transform: Self.size
        )
        var to: Int?

        private struct Result: Encodable {
            let directory: String
            let removed: Int
            let removedBytes: Int
            let bytes: Int

            enum CodingKeys: String, CodingKey {
                case directory, removed, bytes
                case removedBytes = "removed_bytes"
            }
        }

        private static func size(_ text: String) throws -> Int {
            guard let size = ByteCountText.byteCount(of: text) else {
                throw ValidationError("--to is '\(text)'; it must be like 500MB, 20GB or 0")
            }
            return size
        }

        func run() async throws {
            try await CommandFailure.report {
                let (path, cache) = try options.open()
                let removed = try cache?.prune(to: to ?? cache?.byteLimit ?? 0) ?? []
                let result = Result(
                    directory: path,
                    removed: removed.count,
                    removedBytes: removed.reduce(0) { $0 + $1.byteCount },
                    bytes: try (cache?.entries() ?? []).reduce(0) { $0 + $1.byteCount }
                )
                guard !options.json else { return try Console.writeJSON(result) }
                Console.write(
                    "removed \(Format.count(result.removed, "expert")), "
                        + "\(Format.bytes(result.removedBytes)); \(Format.bytes(result.bytes)) "
                        + "stay in \(path)\n"
                )
            }
        }
    }
}
