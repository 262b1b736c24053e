import Model
import Placement
import Testing

@Suite("A plan without one of its workers")
struct VacatingTests {
    private let sizes = ExpertSizes(byteCounts: [64], width: 64)

    private func plan(_ entries: [ExpertEntry]) throws -> Plan {
        let names = try ["a", "b", "c"].map { try #require(WorkerName(rawValue: $0)) }
        return Plan(epoch: Epoch(rawValue: 1), workers: names, layers: [entries])
    }

    @Test("Its experts go to those that hold the fewest; copies that others have just go")
    func experts() throws {
        let plan = try plan([
            .worker(0), .worker(1), .replicas([0, 2]), .replicas([0, 1, 2]), .worker(0),
        ])
        let (vacated, homeless) = plan.vacated(0, free: [0, 1000, 1000], sizes: sizes)
        #expect(homeless.isEmpty)
        #expect(
            vacated.layers == [
                [.worker(1), .worker(1), .worker(2), .replicas([1, 2]), .worker(2)]
            ]
        )
    }

    @Test("Its shards go to a worker without a part of the expert, else a neighbour's grows")
    func shards() throws {
        let shards = ExpertEntry.shards([
            Shard(worker: 0, from: 0, to: 32), Shard(worker: 1, from: 32, to: 64),
        ])
        let moved = try plan([shards]).vacated(0, free: [0, 1000, 1000], sizes: sizes)
        #expect(
            moved.plan.layers == [
                [.shards([Shard(worker: 2, from: 0, to: 32), Shard(worker: 1, from: 32, to: 64)])]
            ]
        )
        let grown = try plan([shards]).vacated(0, free: [0, 64, 0], sizes: sizes)
        #expect(grown.plan.layers == [[.worker(1)]] && grown.homeless.isEmpty)
    }

    @Test("What fits nowhere is named, and stays where it is")
    func homeless() throws {
        let plan = try plan([.worker(0), .worker(0), .worker(2)])
        let (vacated, homeless) = plan.vacated(0, free: [1000, 64, 63], sizes: sizes)
        #expect(vacated.layers == [[.worker(1), .worker(0), .worker(2)]])
        #expect(homeless == [ExpertID(layer: LayerIndex(0), index: 1)])
    }

    @Test(
        "Random plans keep every expert, within everybody's memory",
        arguments: 0...199 as ClosedRange<UInt64>
    )
    func random(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let count = Int.random(in: 1...12, using: &random)
        let entries = (0..<count).map { _ -> ExpertEntry in
            switch Int.random(in: 0...2, using: &random) {
            case 0: .worker(Int.random(in: 0...2, using: &random))
            case 1: .replicas([0, Int.random(in: 1...2, using: &random)])
            default:
                .shards([Shard(worker: 1, from: 0, to: 32), Shard(worker: 0, from: 32, to: 64)])
            }
        }
        let plan = try plan(entries)
        let free = (0..<3).map { _ in Int.random(in: 0...400, using: &random) }
        let (vacated, homeless) = plan.vacated(0, free: free, sizes: sizes)
        try vacated.validate(expertCounts: [entries.count], expertWidth: 64)
        let kept = vacated.slices(of: 0).map(\.expert)
        #expect(kept == homeless)
        for worker in 1...2 {
            let new = vacated.slices(of: worker).filter { !plan.slices(of: worker).contains($0) }
            #expect(new.reduce(0) { $0 + sizes.byteCount(of: $1) } <= free[worker])
        }
    }
}
