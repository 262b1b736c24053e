import Model
import Placement
import Testing

@Suite("What workers hold while a plan changes")
struct HoldingTests {
    private func plan(_ names: [String], _ entries: [ExpertEntry]) throws -> Plan {
        let names = try names.map { try #require(WorkerName(rawValue: $0)) }
        return Plan(epoch: Epoch(rawValue: 1), workers: names, layers: [entries])
    }

    private func slice(_ index: Int, _ dimensions: Range<Int>? = nil) -> ExpertSlice {
        ExpertSlice(ExpertID(layer: LayerIndex(0), index: index), dimensions: dimensions)
    }

    @Test("Each worker holds what any of the plans gives it, once; of two parts the earlier first")
    func slices() throws {
        let shards = ExpertEntry.shards([
            Shard(worker: 0, from: 0, to: 32), Shard(worker: 1, from: 32, to: 64),
        ])
        let old = try plan(["a", "b"], [.worker(0), shards, .worker(1)])
        let new = try plan(["b", "c"], [shards, .worker(0), .replicas([0, 1])])
        let holding = Holding(epoch: Epoch(rawValue: 4), plans: [old, new])
        let (a, b, c) = (old.workers[0], old.workers[1], new.workers[1])
        #expect(holding.workers == [a, b, c])
        #expect(holding.slices(of: a) == [slice(0), slice(1, 0..<32)])
        #expect(holding.slices(of: b) == [slice(0, 0..<32), slice(1, 32..<64), slice(1), slice(2)])
        #expect(holding.slices(of: c) == [slice(0, 32..<64), slice(2)])
        #expect(holding.names(c) && !Holding(epoch: holding.epoch, plans: [old]).names(c))
    }
}
