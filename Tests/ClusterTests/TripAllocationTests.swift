import CAllocations
import Cluster
import Model
import Placement
import Testing

@Suite("Allocations per trip", .serialized)
struct TripAllocationTests {
    @Test("are a fixed number: for the actions, and one for each worker at most")
    func fixedNumber() throws {
        let plan = Plan.contiguous(
            workers: try (0..<4).map { try name("w\($0)") },
            expertCounts: [16],
            epoch: epoch(1)
        )
        let dispatch = try Dispatch(plan: plan)
        var exchange = Exchange(
            epoch: plan.epoch,
            workers: plan.workers,
            firstShare: ShareID(rawValue: 1)
        )
        let routings = [64, 1].map { rows in
            Routing(
                topK: 4,
                experts: (0..<rows * 4).map { Int32($0 * 5 % 16) },
                weights: Array(repeating: 0.25, count: rows * 4)
            )
        }
        var shares: [WorkerShare] = []
        var counts: [Int] = []
        for routing in routings + routings + routings {
            let before = moiety_allocation_count()
            guard before >= 0 else { return }
            dispatch.split(routing, layer: LayerIndex(0), into: &shares)
            let first = exchange.nextShare.rawValue
            let begun = exchange.begin(
                layer: LayerIndex(0),
                recipients: shares.lazy.prefix { !$0.rows.isEmpty }.map(\.worker),
                now: at(0)
            )
            for share in begun.actions.indices {
                _ = exchange.onReply(
                    ShareID(rawValue: first + UInt64(share)),
                    attempt: 1,
                    epoch: plan.epoch,
                    from: shares[share].worker
                )
            }
            _ = exchange.tick(now: at(1))
            counts.append(moiety_allocation_count() - before)
            #expect(exchange.isComplete(begun.trip))
        }
        print("allocations per trip: \(counts)")
        #expect(counts.suffix(4).allSatisfy { $0 == counts[2] && $0 <= 5 }, "\(counts)")
    }
}
