import CAllocations
import Cluster
import Model
import Placement
import Testing

@Suite("Allocations per trip", .serialized)
struct TripAllocationTests {
    @Test(
        "are a fixed number: for the actions, and one for each worker at most",
        arguments: [false, true]
    )
    func fixedNumber(hasReplicas: Bool) throws {
        let plan = try plan(hasReplicas: hasReplicas)
        var exchange = Exchange(
            dispatch: try Dispatch(plan: plan),
            firstShare: ShareID(rawValue: 1)
        )
        _ = exchange.follow([true, true, true, true], now: at(0))
        let routings = [64, 1].map { rows in
            Routing(
                topK: 4,
                experts: (0..<rows * 4).map { Int32($0 * 5 % 16) },
                weights: Array(repeating: 0.25, count: rows * 4)
            )
        }
        var counts: [Int] = []
        for routing in routings + routings + routings {
            let before = moiety_allocation_count()
            guard before >= 0 else { return }
            let first = exchange.nextShare.rawValue
            let begun = exchange.begin(
                part: 0,
                layer: LayerIndex(0),
                routing: routing,
                now: at(0)
            )
            for (share, action) in begun.actions.enumerated() {
                guard case .send(_, _, _, _, let worker) = action else { continue }
                _ = exchange.onReply(
                    ShareID(rawValue: first + UInt64(share)),
                    attempt: 1,
                    epoch: plan.epoch,
                    from: worker
                )
            }
            _ = exchange.tick(now: at(1))
            counts.append(moiety_allocation_count() - before)
            #expect(exchange.isComplete(begun.trip))
        }
        print("allocations per trip: \(counts)")
        #expect(counts.suffix(4).allSatisfy { $0 == counts[2] && $0 <= 5 }, "\(counts)")
    }

    private func plan(hasReplicas: Bool) throws -> Plan {
        let plan = Plan.contiguous(
            workers: try (0..<4).map { try name("w\($0)") },
            expertCounts: [16],
            epoch: epoch(1)
        )
        guard hasReplicas else { return plan }
        let entries = (0..<16).map { ExpertEntry.replicas([$0 % 4, ($0 + $0 / 4 + 1) % 4]) }
        return Plan(
            epoch: plan.epoch,
            workers: plan.workers,
            layers: [entries.map { Set($0.workers).count > 1 ? $0 : .worker($0.workers[0]) }]
        )
    }
}
