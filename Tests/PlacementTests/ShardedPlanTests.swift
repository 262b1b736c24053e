import Model
import Placement
import Testing

@Suite("Plans with shards")
struct ShardedPlanTests {
    private static let epoch = Epoch(rawValue: 4)

    private func workers(_ speeds: [Double]) -> [WorkerDescription] {
        zip(WorkerDescription.equal(speeds.count), speeds).map { worker, speed in
            var worker = worker
            worker.speed = speed
            return worker
        }
    }

    @Test("Every expert is cut at multiples of 32, over all of its width", arguments: 1...9)
    func valid(count: Int) throws {
        var generator = SeededRandom(seed: UInt64(count))
        for width in [32, 96, 256, 768, 1000, 1408, 2048] {
            let speeds = (0..<count).map { _ in Double.random(in: 0.2...4, using: &generator) }
            let plan = Plan.sharded(
                workers: workers(speeds),
                expertCounts: [0, 40],
                expertWidth: width,
                epoch: Self.epoch
            )
            try plan.validate(expertCounts: [0, 40], expertWidth: width)
        }
    }

    @Test("Over many experts each worker has the part that its speed is worth")
    func proportion() {
        let speeds = [1, 2.5, 0.7, 1.3]
        let plan = Plan.sharded(
            workers: workers(speeds),
            expertCounts: [128],
            expertWidth: 768,
            epoch: Self.epoch
        )
        for worker in speeds.indices {
            let slices = plan.slices(of: worker).compactMap(\.dimensions)
            let part = Double(slices.reduce(0) { $0 + $1.count }) / Double(128 * 768)
            #expect(abs(part - speeds[worker] / 5.5) < 0.002, "worker \(worker) has \(part)")
            let sizes = slices.map(\.count)
            #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 64)
        }
    }

    @Test("Only experts that keep everybody waiting are cut")
    func overloaded() throws {
        let workers = workers([1, 1, 1, 1])
        let plan = Plan.contiguous(
            workers: workers.map(\.name),
            expertCounts: [8],
            epoch: Self.epoch
        )
        let even = plan.hybrid(
            rowCounts: [Array(repeating: 100, count: 8)],
            workers: workers,
            costs: CostModel(),
            expertWidth: 768,
            epoch: Self.epoch
        )
        #expect(even.layers == plan.layers)
        let skewed = plan.hybrid(
            rowCounts: [[1000, 50, 50, 50, 50, 50, 50, 50]],
            workers: workers,
            costs: CostModel(),
            expertWidth: 768,
            epoch: Self.epoch
        )
        try skewed.validate(expertCounts: [8], expertWidth: 768)
        let cut = skewed.layers[0].indices.filter { skewed.layers[0][$0].workers.count > 1 }
        #expect(cut == [0])
    }

    @Test("A slow link keeps experts whole")
    func slowLink() {
        let workers = workers([1, 1]).map { worker in
            var worker = worker
            worker.bandwidth = 1e6
            return worker
        }
        let plan = Plan.contiguous(
            workers: workers.map(\.name),
            expertCounts: [4],
            epoch: Self.epoch
        )
        let hybrid = plan.hybrid(
            rowCounts: [[100, 100, 60, 60]],
            workers: workers,
            costs: CostModel(),
            expertWidth: 768,
            epoch: Self.epoch
        )
        #expect(hybrid.layers == plan.layers)
    }

    @Test(
        "By the costs it is made by, it is never slower than either pure plan",
        arguments: 0..<60 as Range<UInt64>
    )
    func neverSlower(seed: UInt64) throws {
        var generator = SeededRandom(seed: seed)
        let speeds = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
            Double.random(in: 0.3...3, using: &generator)
        }
        let workers = workers(speeds)
        let rows = (0..<3).map { _ in
            (0..<12).map { _ in
                let hot = Int.random(in: 0..<4, using: &generator) == 0
                return Double(Int.random(in: 0...(hot ? 2000 : 60), using: &generator))
            }
        }
        let counts = rows.map(\.count)
        let whole = Plan.contiguous(
            workers: workers.map(\.name),
            expertCounts: counts,
            epoch: Self.epoch
        )
        let sharded = Plan.sharded(
            workers: workers,
            expertCounts: counts,
            expertWidth: 768,
            epoch: Self.epoch
        )
        let hybrid = whole.hybrid(
            rowCounts: rows,
            workers: workers,
            costs: CostModel(),
            expertWidth: 768,
            epoch: Self.epoch
        )
        try hybrid.validate(expertCounts: counts, expertWidth: 768)
        func seconds(_ plan: Plan) -> Double {
            plan.expectedSeconds(
                rowCounts: rows,
                workers: workers,
                costs: CostModel(),
                expertWidth: 768
            )
        }
        #expect(seconds(hybrid) <= seconds(whole) * 1.000001, "seed \(seed)")
        #expect(seconds(hybrid) <= seconds(sharded) * 1.000001, "seed \(seed)")
    }
}
