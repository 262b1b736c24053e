import ArgumentParser
import Benchmarking
import Terminal

struct DiskCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disk",
        abstract: "How fast a disk is read directly, by reads under way and bytes of a read.",
        discussion: """
            Reads random pieces of a file of 5 MB or more, past the system's memory for files: the \
            limit of experts on disk. Many disks give more for a moment than they go on to give, \
            so that repetitions differ.
            """
    )

    @Option(name: [.short, .long], help: "The file; the larger, the better.")
    var file: String

    @OptionGroup var repetition: RepetitionOptions
    @OptionGroup var output: OutputOptions

    private static let threadCounts = [1, 2, 4, 8, 16]
    private static let blockByteCounts = [128 << 10, 256 << 10, 512 << 10, 1 << 20, 2 << 20]

    private struct Result: Encodable {
        let reads: Int
        let blockBytes: Int
        let rate: Double
        let minimum: Double
        let maximum: Double

        enum CodingKeys: String, CodingKey {
            case reads
            case blockBytes = "block_bytes"
            case rate = "gb_s"
            case minimum = "gb_s_min"
            case maximum = "gb_s_max"
        }
    }

    func run() throws {
        let reads = try DirectReads(path: file)
        var results: [Result] = []
        var table = Table(
            [("bytes of a read", .right)] + Self.threadCounts.map { ("\($0) at once", .right) }
        )
        for blockByteCount in Self.blockByteCounts {
            var row = ["\(blockByteCount >> 10) KiB"]
            for threadCount in Self.threadCounts {
                let way = DirectReads.Way(
                    threadCount: threadCount,
                    blockByteCount: blockByteCount
                )
                let rate = try repetition.sample("disk") { try reads.rate(way) }.map(\.giga)
                row.append(rate.text(digits: 2))
                results.append(
                    Result(
                        reads: threadCount,
                        blockBytes: blockByteCount,
                        rate: rate.median.rounded3,
                        minimum: rate.minimum.rounded3,
                        maximum: rate.maximum.rounded3
                    )
                )
            }
            table.add(row)
        }
        guard !output.json else { return try Console.writeJSON(["disk": results]) }
        Console.write(table.text)
    }
}
