import ArgumentParser
import Cluster
import Model
import Placement
import Terminal
import Wire

struct NodesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nodes",
        abstract: "The workers of a cluster."
    )

    @OptionGroup var coordinator: CoordinatorOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Nodes: Encodable {
        let nodes: [NodeLine]
    }

    func run() async throws {
        try await CommandFailure.report {
            let client = try coordinator.connect()
            let reply = try client.ask(.listNodes)
            guard case .nodes(let nodes) = reply else { throw client.unexpected(reply) }
            guard !json else {
                return try Console.writeJSON(Nodes(nodes: nodes.map(NodeLine.init)))
            }
            Console.write(Self.table(nodes).text)
        }
    }

    private static func table(_ nodes: [NodeReport]) -> Table {
        var columns: [(title: String, alignment: Table.Alignment)] = [
            ("worker", .left), ("state", .left), ("experts", .right), ("holds", .right),
            ("loaded", .right), ("rows", .right), ("silent", .right), ("cores", .right),
            ("isa", .left),
        ]
        // Exact clusters have nothing to tell of it.
        let hasLossy = nodes.contains { $0.lossy != nil }
        if hasLossy { columns.append(("lossy", .left)) }
        columns.append(("message", .left))
        var table = Table(columns)
        for node in nodes {
            let silent = node.silentFor.map { Format.fixed($0 / .seconds(1)) + " s" }
            var cells = [
                node.name.rawValue, node.state, "\(node.expertCount)",
                Format.bytes(node.residentByteCount), loaded(node), "\(node.rowsComputed)",
                silent ?? "-", "\(node.coreCount)", node.instructionSet,
            ]
            if hasLossy { cells.append(node.lossyWords ?? "-") }
            table.add(cells + [node.message])
        }
        return table
    }

    private static func loaded(_ node: NodeReport) -> String {
        guard node.totalByteCount > 0 else { return "-" }
        let share = 100 * Double(node.loadedByteCount) / Double(node.totalByteCount)
        return Format.fixed(share, digits: 0) + " %"
    }
}

/// A worker as `--json` shows it.
private struct NodeLine: Encodable {
    let name: String
    let state: String
    let incarnation: UInt64
    let epoch: UInt64?
    let experts: Int
    let residentBytes: UInt64
    let loadedBytes: UInt64
    let totalBytes: UInt64
    let rows: UInt64
    let silentSeconds: Double?
    let cores: Int
    let memoryBytes: UInt64
    let instructionSet: String
    let message: String
    /// Messages that it did not act on, by reason.
    let dropped: [String: UInt64]
    let supply: Supply
    /// How it gives accuracy for speed, and in how many bits; nil where it is exact.
    let lossy: String?
    let lowTier: String?

    /// Where its experts came from since it started.
    struct Supply: Encodable {
        let file: UInt64
        let directory: UInt64
        let cache: UInt64
        let coordinator: UInt64
        let fetchedBytes: UInt64
        /// Experts that were damaged where they were looked for first.
        let fallBacks: UInt64
        /// Experts that found no room in the cache.
        let notKept: UInt64
        /// What experts on disk cost; nil where all are in memory.
        let stored: Stored?

        struct Stored: Encodable {
            let memoryBudget: UInt64
            let uses: UInt64
            let hits: UInt64
            let foreseen: UInt64
            /// Of lossy workers also those in fewer bits.
            let tiers: [String: Tier]
            let idleLoads: UInt64
            let idleUses: UInt64
            let bytesRead: UInt64
            let stallSeconds: Double
            let unpacked: UInt64
            /// What was expected of layers to come, by how many layers ahead, from 0 on.
            let guesses: [UInt64]
            let rightGuesses: [UInt64]

            struct Tier: Encodable {
                let uses: UInt64
                let hits: UInt64
            }

            enum CodingKeys: String, CodingKey {
                case uses, hits, foreseen, tiers, unpacked, guesses
                case idleLoads = "idle_loads"
                case idleUses = "idle_uses"
                case rightGuesses = "right_guesses"
                case memoryBudget = "memory_budget"
                case bytesRead = "bytes_read"
                case stallSeconds = "stall_s"
            }
        }

        enum CodingKeys: String, CodingKey {
            case file, directory, cache, coordinator, stored
            case fetchedBytes = "fetched_bytes"
            case fallBacks = "fall_backs"
            case notKept = "not_kept"
        }

        init(_ counts: SupplyCounts) {
            file = counts.fromFile
            directory = counts.fromDirectory
            cache = counts.fromCache
            coordinator = counts.fetched
            fetchedBytes = counts.fetchedByteCount
            fallBacks = counts.fallBacks
            notKept = counts.notKept
            guard counts.memoryBudget > 0 else {
                stored = nil
                return
            }
            stored = Stored(
                memoryBudget: counts.memoryBudget,
                uses: counts.storedUses,
                hits: counts.storedHits,
                foreseen: counts.storedForeseen,
                tiers: Dictionary(
                    counts.storedTiers.map { ($0.tier, .init(uses: $0.uses, hits: $0.hits)) },
                    uniquingKeysWith: { first, _ in first }
                ),
                idleLoads: counts.idleLoads,
                idleUses: counts.idleUses,
                bytesRead: counts.storedByteCount,
                stallSeconds: Double(counts.stallMicroseconds) / 1_000_000,
                unpacked: counts.unpacked,
                guesses: counts.guesses.indices.map { counts.guesses[$0] },
                rightGuesses: counts.rightGuesses.indices.map { counts.rightGuesses[$0] }
            )
        }
    }

    enum CodingKeys: String, CodingKey {
        case name, state, incarnation, epoch, experts, rows, cores, message, dropped, supply, lossy
        case lowTier = "low_tier"
        case residentBytes = "resident_bytes"
        case loadedBytes = "loaded_bytes"
        case totalBytes = "total_bytes"
        case silentSeconds = "silent_s"
        case memoryBytes = "memory_bytes"
        case instructionSet = "instruction_set"
    }

    init(_ node: NodeReport) {
        name = node.name.rawValue
        state = node.state
        incarnation = node.incarnation.rawValue
        epoch = node.epoch?.rawValue
        experts = node.expertCount
        residentBytes = node.residentByteCount
        loadedBytes = node.loadedByteCount
        totalBytes = node.totalByteCount
        rows = node.rowsComputed
        silentSeconds = node.silentFor.map { $0 / .seconds(1) }
        cores = node.coreCount
        memoryBytes = node.memoryByteCount
        instructionSet = node.instructionSet
        message = node.message
        dropped = node.drops.byWord
        supply = Supply(node.supply)
        lossy = node.lossy?.name
        lowTier = node.supply.lowTier
    }
}
