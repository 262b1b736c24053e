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
            expertByteCounts: [10]
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
            expertByteCounts: [10, 9]
        )
        #expect(covered.layers == [[.replicas([0, 1]), .worker(1)], [.replicas([1, 2])]])
        #expect(homeless == [ExpertID(layer: LayerIndex(0), index: 1)])
    }

    @Test("Nobody who is gone, has no room, or holds slices only is given anything")
    func nobody() throws {
        let shards = ExpertEntry.shards([
            Shard(worker: 0, from: 0, to: 32), Shard(worker: 1, from: 32, to: 64),
        ])
        let plan = try plan([[shards, .worker(1)]])
        let (covered, homeless) = plan.covered(
            where: { $0 != 1 },
            free: [0, 0, 0],
            expertByteCounts: [0]
        )
        #expect(covered == plan)
        #expect(homeless.map(\.index) == [0, 1])
    }

    private func plan(_ layers: [[ExpertEntry]]) throws -> Plan {
        let names = try ["a", "b", "c"].map { try #require(WorkerName(rawValue: $0)) }
        return Plan(epoch: Epoch(rawValue: 1), workers: names, layers: layers)
    }
}
