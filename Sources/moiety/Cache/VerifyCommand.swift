import ArgumentParser
import Model
import Storage
import Terminal

extension CacheCommand {
    struct VerifyCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Read everything and remove what is damaged.",
            discussion: """
                Workers do the same with each expert that they load. What is on its way is left \
                alone, and so are files of packed experts, which are checked whenever an expert is \
                read. Exit code 1 where something was damaged.
                """
        )

        @OptionGroup var options: ExpertCacheOptions

        private struct Result: Encodable {
            let directory: String
            let verified: Int
            let verifiedBytes: Int
            /// Hashes of what was damaged and is removed.
            let damaged: [String]
            /// Files of packed experts, which were left alone.
            let packed: Int

            enum CodingKeys: String, CodingKey {
                case directory, verified, damaged, packed
                case verifiedBytes = "verified_bytes"
            }
        }

        func run() async throws {
            try await CommandFailure.report {
                let (path, cache) = try options.open()
                let result = try Self.verify(cache, at: path)
                if options.json {
                    try Console.writeJSON(result)
                } else {
                    for hash in result.damaged { Console.write("damaged, removed: \(hash)\n") }
                    Console.write(
                        "\(Format.count(result.verified, "expert")) as they should be, "
                            + "\(Format.bytes(result.verifiedBytes)), "
                            + "\(result.damaged.count) damaged in \(path)\n"
                    )
                    if result.packed > 0 {
                        let count = Format.count(result.packed, "file")
                        Console.note("\(count) of packed experts left alone: readers check them")
                    }
                }
                guard result.damaged.isEmpty else { throw ExitCode(1) }
            }
        }

        private static func verify(_ cache: ExpertCache?, at path: String) throws -> Result {
            var verified = 0
            var byteCount = 0
            var damaged: [String] = []
            let all = try cache?.entries() ?? []
            let entries = all.filter { $0.stage == .whole }
            for (place, entry) in entries.enumerated() {
                switch try cache?.verify(entry.digest) {
                case true?:
                    verified += 1
                    byteCount += entry.byteCount
                case false?: damaged.append(entry.digest.hexadecimal)
                case nil: break  // Somebody else has removed it.
                }
                Console.progress("verified \(place + 1) of \(entries.count) experts")
            }
            return Result(
                directory: path,
                verified: verified,
                verifiedBytes: byteCount,
                damaged: damaged,
                packed: all.count { $0.stage == .packed }
            )
        }
    }
}
