import CAllocations
import Cluster
import Model
import Placement
import Testing

@Suite("Allocations of counting", .serialized)
struct CountingAllocationTests {
    @Test("are none once the largest step was seen in every place of the sample")
    func none() {
        let layers = 3
        let rows = 8
        let experts = Array(repeating: 16, count: layers)
        var counter = ProfileCounter(expertCounts: experts, topK: 2, halfLife: 1000)
        var recorder = StepRecorder(
            expertCounts: experts,
            topK: 2,
            largestStep: rows,
            halfLife: 1000
        )
        let tasks = [counter.label(of: "a"), counter.label(of: "b")]
        let labels = (0..<rows).map { tasks[$0 * 2 / rows] }
        let chosen = (0..<rows * 2).map { Int32($0 * 5 % 16) }
        func step() {
            recorder.begin(rowCount: rows)
            for layer in 0..<layers {
                counter.count(chosen, layer: LayerIndex(layer), labels: labels)
                recorder.add(chosen, layer: LayerIndex(layer), from: 0)
            }
        }
        for _ in 0..<300 { step() }
        let before = moiety_allocation_count()
        guard before >= 0 else { return }
        // Long enough for the tables to be divided a few times.
        for _ in 0..<20_000 { step() }
        #expect(moiety_allocation_count() - before == 0)
    }

    @Test("are none for measured shares once every worker has answered")
    func shares() throws {
        var costs = ShareCosts()
        let names = try ["a", "b"].map(name)
        let answer = ShareCosts.Answer(
            experts: 2,
            pairs: 4,
            rows: 3,
            computing: .microseconds(9),
            travelling: .microseconds(7)
        )
        for name in names { costs.count(answer, of: name) }
        let before = moiety_allocation_count()
        guard before >= 0 else { return }
        for _ in 0..<100 {
            for name in names { costs.count(answer, of: name) }
        }
        #expect(moiety_allocation_count() - before == 0)
    }
}
