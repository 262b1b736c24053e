public import Model
import Placement

/// What it takes to count what the routers choose, as the coordinator does in every step.
public final class CountingBenchmark {
    private let layers: [LayerIndex]
    private let topK: Int
    private let rowCount: Int
    private var counter: ProfileCounter
    private var recorder: StepRecorder
    /// Choices of some steps, `[step][layer][row * topK]`; more than caches remember by chance.
    private var steps: [[[Int32]]] = []

    private static let stepCount = 16

    /// - Parameters:
    ///   - rowCount: of each step.
    ///   - isRecording: whether a trace of all steps is recorded, too.
    public init(model: ModelDescription, rowCount: Int, isRecording: Bool = false) {
        self.rowCount = rowCount
        topK = max(1, model.expertsPerToken)
        let expertCounts = model.expertCounts
        layers = expertCounts.indices.filter { expertCounts[$0] > 0 }.map { LayerIndex($0) }
        counter = ProfileCounter(expertCounts: expertCounts, topK: topK, halfLife: 200_000)
        recorder = StepRecorder(
            expertCounts: expertCounts,
            topK: topK,
            largestStep: rowCount,
            halfLife: 200_000
        )
        if isRecording { recorder.start() }
        var random = SeededRandom(seed: 1)
        steps = (0..<Self.stepCount).map { _ in
            layers.map { layer in
                Self.choices(
                    rows: rowCount,
                    of: expertCounts[layer.rawValue],
                    topK: topK,
                    using: &random
                )
            }
        }
    }

    /// Few experts get most rows, as routers do.
    private static func choices(
        rows: Int,
        of experts: Int,
        topK: Int,
        using random: inout SeededRandom
    ) -> [Int32] {
        (0..<rows).flatMap { _ in
            var chosen: Set<Int32> = []
            while chosen.count < min(topK, experts) {
                let place = random.unit() * random.unit() * Double(experts)
                chosen.insert(Int32(min(Int(place), experts - 1)))
            }
            return chosen.sorted()
        }
    }

    /// Seconds that counting one row takes, all layers together, over some steps.
    public func secondsPerRow() -> Double {
        let labels = Array(repeating: ProfileCounter.Label.none, count: rowCount)
        let seconds = Sample.seconds {
            for step in steps {
                recorder.begin(rowCount: rowCount)
                for (layer, chosen) in zip(layers, step) {
                    counter.count(chosen, layer: layer, labels: labels)
                    recorder.add(chosen, layer: layer, from: 0)
                }
            }
        }
        return seconds / Double(steps.count * rowCount)
    }
}
