import Cluster
import Model
import Placement
import Testing

/// One membership and several sessions, with lost and late messages, sleep and restarts.
///
/// Time is a number, chance has a seed.
@Suite("A coordinator and its workers, whatever happens")
struct ClusterPropertyTests {
    @Test("become ready once the trouble ends", arguments: 0..<100 as Range<UInt64>)
    func recovers(seed: UInt64) throws {
        var simulation = try ControlSimulation(seed: seed)
        simulation.run(milliseconds: 60_000, trouble: true)
        simulation.run(milliseconds: 45_000, trouble: false)
        let status = simulation.membership.status(now: simulation.now)
        #expect(simulation.membership.isReady, "seed \(seed): \(status)")
        #expect(simulation.membership.readyCount == 3, "seed \(seed)")
        #expect(simulation.held == simulation.planned, "seed \(seed)")
        #expect(simulation.numbers == simulation.numbers.sorted(), "seed \(seed)")
        #expect(Set(simulation.numbers).count == simulation.numbers.count, "seed \(seed)")
    }

    @Test("do the same for the same seed", arguments: 0..<5 as Range<UInt64>)
    func deterministic(seed: UInt64) throws {
        var first = try ControlSimulation(seed: seed)
        var second = try ControlSimulation(seed: seed)
        first.run(milliseconds: 20_000, trouble: true)
        second.run(milliseconds: 20_000, trouble: true)
        #expect(first.membership == second.membership, "seed \(seed)")
        #expect(first.log == second.log, "seed \(seed)")
    }
}
