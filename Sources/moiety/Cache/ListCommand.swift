import ArgumentParser
import Foundation
import Model
import Storage
import Terminal

extension CacheCommand {
    struct ListCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ls",
            abstract: "What is in the cache."
        )

        @OptionGroup var options: ExpertCacheOptions

        private struct Listing: Encodable {
            let directory: String
            let bytes: Int
            let limitBytes: Int?
            let experts: [Line]

            enum CodingKeys: String, CodingKey {
                case directory, bytes, experts
                case limitBytes = "limit_bytes"
            }
        }

        private struct Line: Encodable {
            let hash: String
            let state: String
            let bytes: Int
            /// Seconds since 1970.
            let usedAt: Int64
            let inUse: Bool

            enum CodingKeys: String, CodingKey {
                case hash, state, bytes
                case usedAt = "used_at"
                case inUse = "in_use"
            }
        }

        func run() async throws {
            try await CommandFailure.report {
                let (path, cache) = try options.open()
                let inUse = try cache?.digestsInUse() ?? []
                let lines = try (cache?.entries() ?? []).map { entry in
                    Line(
                        hash: entry.digest.hexadecimal,
                        state: entry.stage.rawValue,
                        bytes: entry.byteCount,
                        usedAt: entry.usedSeconds,
                        inUse: inUse.contains(entry.digest)
                    )
                }
                let listing = Listing(
                    directory: path,
                    bytes: lines.reduce(0) { $0 + $1.bytes },
                    limitBytes: cache?.byteLimit,
                    experts: lines
                )
                guard !options.json else { return try Console.writeJSON(listing) }
                Console.write(Self.text(listing))
            }
        }

        private static func text(_ listing: Listing) -> String {
            var table = Table([
                ("expert", .left), ("state", .left), ("size", .right), ("last used", .left),
                ("in use", .left),
            ])
            for line in listing.experts {
                let used = Date(timeIntervalSince1970: TimeInterval(line.usedAt))
                table.add([
                    String(line.hash.prefix(16)), line.state, Format.bytes(line.bytes),
                    used.formatted(.iso8601), line.inUse ? "yes" : "-",
                ])
            }
            let limit = listing.limitBytes.map { " of \(Format.bytes($0))" } ?? ""
            let count = Format.count(listing.experts.count, "expert")
            return table.text
                + "\(count), \(Format.bytes(listing.bytes))\(limit) in \(listing.directory)\n"
        }
    }
}
