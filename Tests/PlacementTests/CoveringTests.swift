import Model
import Placement
import Testing

@Suite("A plan whose workers went")
struct CoveringTests {
    @Test("Each expert that nobody holds gets a copy where the fewest of its layer are")
    func copies() throws {
        let plan = try plan([[.worker(0), .worker(1), .worker(1), .worker(2), .replicas([0, 1])]])
        let (covered, homeless) = plan.covered(
            where: { $0 != 1 },
            free: [100, 0, 100],
            sizes: ExpertSizes(byteCounts: [10], width: 64)
        )
        #expect(homeless.isEmpty)
        #expect(
            covered.layers == [
                [
                    .worker(0), .replicas([1, 2]), .replicas([0, 1]), .worker(2),
                    .replicas([0, 1]),
                ]
            ]
        )
    }

    @Test("What fits nowhere is named; what fits goes where there is room")
    func room() throws {
        let plan = try plan([[.worker(1), .worker(1)], [.worker(1)]])
        let (covered, homeless) = plan.covered(
            where: { $0 == 0 || $0 == 2 },
            free: [15, 0, 9],
            sizes: ExpertSizes(byteCounts: [10, 9], width: 64)
        )
        #expect(covered.layers == [[.replicas([0, 1]), .worker(1)], [.replicas([1, 2])]])
        #expect(homeless == [ExpertID(layer: LayerIndex(0), index: 1)])
    }

    @Test("Nobody who is gone or has no room is given anything")
    func nobody() throws {
        let shards = ExpertEntry.shards([
            Shard(worker: 0, from: 0, to: 32), Shard(worker: 1, from: 32, to: 64),
        ])
        let plan = try plan([[shards, .worker(1)]])
        let (covered, homeless) = plan.covered(
            where: { $0 != 1 },
            free: [0, 0, 0],
            sizes: ExpertSizes(byteCounts: [0], width: 64)
        )
        #expect(covered == plan)
        #expect(homeless.map(\.index) == [0, 1])
    }

    @Test("A shard goes as it is to whoever has no part of the expert, else a neighbour's grows")
    func shards() throws {
        let sizes = ExpertSizes(byteCounts: [96], width: 96)
        let thirds = ExpertEntry.shards([
            Shard(worker: 0, from: 0, to: 32), Shard(worker: 1, from: 32, to: 64),
            Shard(worker: 2, from: 64, to: 96),
        ])
        let halves = ExpertEntry.shards([
            Shard(worker: 1, from: 0, to: 32), Shard(worker: 0, from: 32, to: 96),
        ])
        let plan = try plan([[thirds, halves, .worker(0)]])
        let (covered, homeless) = plan.covered(
            where: { $0 != 1 },
            free: [64, 0, 100],
            sizes: sizes
        )
        #expect(homeless.isEmpty)
        #expect(
            covered.layers == [
                [
                    .shards([
                        Shard(worker: 0, from: 0, to: 64), Shard(worker: 2, from: 64, to: 96),
                    ]),
                    .shards([
                        Shard(worker: 2, from: 0, to: 32), Shard(worker: 0, from: 32, to: 96),
                    ]),
                    .worker(0),
                ]
            ]
        )
        #expect(!covered.includes(plan) && plan.includes(plan))
        let two = plan.covered(where: { $0 == 2 }, free: [0, 0, 1000], sizes: sizes)
        #expect(two.plan.layers == [[.worker(2), .worker(2), .replicas([0, 2])]])
        let full = plan.covered(where: { $0 != 1 }, free: [63, 0, 31], sizes: sizes)
        #expect(full.plan == plan && full.homeless.map(\.index) == [0, 1])
    }

    @Test(
        "Random plans are covered by those who are left, within their memory",
        arguments: 0...199 as ClosedRange<UInt64>
    )
    func random(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let sizes = ExpertSizes(byteCounts: [96], width: 96)
        let entries = (0..<Int.random(in: 1...12, using: &random)).map { _ -> ExpertEntry in
            let workers = [0, 1, 2].shuffled(using: &random)
            switch Int.random(in: 0...3, using: &random) {
            case 0: return .worker(workers[0])
            case 1: return .replicas(workers.prefix(2).sorted())
            case 2:
                return .shards([
                    Shard(worker: workers[0], from: 0, to: 64),
                    Shard(worker: workers[1], from: 64, to: 96),
                ])
            default:
                return .shards(
                    (0..<3).map { Shard(worker: workers[$0], from: 32 * $0, to: 32 * $0 + 32) }
                )
            }
        }
        let plan = try plan([entries])
        let lost = Set(
            (0..<Int.random(in: 1...2, using: &random)).map { _ in
                Int.random(in: 0...2, using: &random)
            }
        )
        let free = (0..<3).map { lost.contains($0) ? 0 : Int.random(in: 0...600, using: &random) }
        let (covered, homeless) = plan.covered(
            where: { !lost.contains($0) },
            free: free,
            sizes: sizes
        )
        try covered.validate(expertCounts: [entries.count], expertWidth: 96)
        let homelessEntries = homeless.map { covered.layers[0][$0.index] }
        #expect(homelessEntries == homeless.map { entries[$0.index] })
        for (index, entry) in covered.layers[0].enumerated()
        where !homeless.contains(where: { $0.index == index }) {
            let single = try self.plan([[entry]])
            #expect(single.isCovered { !lost.contains($0) }, "expert \(index)")
        }
        for worker in 0..<3 {
            let new = Set(covered.slices(of: worker)).subtracting(plan.slices(of: worker))
            #expect(new.reduce(0) { $0 + sizes.byteCount(of: $1) } <= free[worker])
        }
    }

    private func plan(_ layers: [[ExpertEntry]]) throws -> Plan {
        let names = try ["a", "b", "c"].map { try #require(WorkerName(rawValue: $0)) }
        return Plan(epoch: Epoch(rawValue: 1), workers: names, layers: layers)
    }
}
