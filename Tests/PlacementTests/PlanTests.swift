import Model
import Placement
import Testing

@Suite("A plan")
struct PlanTests {
    @Test("survives its file, whatever it holds")
    func roundTrip() throws {
        let plan = Plan(
            epoch: Epoch(rawValue: .max),
            workers: try ["a", "node-2.example", "C_3"].map {
                try #require(WorkerName(rawValue: $0))
            },
            layers: [
                [],
                [.worker(2), .replicas([0, 1])],
                [.shards([Shard(worker: 0, from: 0, to: 5), Shard(worker: 1, from: 5, to: 8)])],
            ]
        )
        #expect(try Plan(json: plan.json()) == plan)
    }

    @Test("survives its file for any contents", arguments: 0..<20 as Range<UInt64>)
    func randomRoundTrip(seed: UInt64) throws {
        var generator = SeededRandom(seed: seed)
        let plan = try randomPlan(using: &generator)
        #expect(try Plan(json: plan.json()) == plan, "seed \(seed)")
    }

    @Test("is written one line per layer")
    func layout() throws {
        let plan = try contiguous(2, [3, 0], epoch: 7)
        let text = """
            {"epoch":7,
            "workers":["a","b"],
            "layers":[
            [0,0,1],
            []
            ]}

            """
        #expect(String(decoding: plan.json(), as: UTF8.self) == text)
    }

    @Test("in contiguous form differs by at most one expert between workers")
    func contiguousSizes() throws {
        for workers in 1...7 {
            for experts in 0...20 {
                let plan = try contiguous(workers, [experts])
                try plan.validate(expertCounts: [experts])
                let counts = plan.expertCounts
                #expect(counts.reduce(0, +) == experts)
                #expect(counts == counts.sorted(by: >))
                #expect((counts.first ?? 0) - (counts.last ?? 0) <= 1)
                #expect(
                    plan.layers[0].flatMap(\.workers) == plan.layers[0].flatMap(\.workers).sorted()
                )
            }
        }
    }

    @Test("answers who holds what")
    func queries() throws {
        let plan = try contiguous(2, [0, 3])
        let layer = LayerIndex(1)
        #expect(plan.experts(of: 0) == [0, 1].map { ExpertID(layer: layer, index: $0) })
        #expect(plan.experts(of: 1) == [ExpertID(layer: layer, index: 2)])
        #expect(plan.experts(of: 2).isEmpty)
        #expect(plan.owner(of: ExpertID(layer: layer, index: 2)) == 1)
        #expect(plan.owner(of: ExpertID(layer: layer, index: 3)) == nil)
        #expect(plan.owner(of: ExpertID(layer: LayerIndex(-1), index: 0)) == nil)
        #expect(plan.expertCounts == [2, 1])
        #expect(plan.index(of: plan.workers[1]) == 1)
    }
}

@Suite("A worker name")
struct WorkerNameTests {
    @Test("has 1 to 64 harmless characters", arguments: ["a", "Node-1.example_x"])
    func accepted(text: String) {
        #expect(WorkerName(rawValue: text)?.rawValue == text)
    }

    @Test("is refused otherwise", arguments: ["", "a b", "a/b", "ä", "a\n", "a\"", "\u{0}"])
    func refused(text: String) {
        #expect(WorkerName(rawValue: text) == nil)
    }

    @Test("ends at 64 characters")
    func longest() {
        #expect(WorkerName(rawValue: String(repeating: "x", count: 64)) != nil)
        #expect(WorkerName(rawValue: String(repeating: "x", count: 65)) == nil)
    }
}
