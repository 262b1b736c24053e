import Model
import Placement
import Testing

@Suite("A recorder of steps")
struct StepRecorderTests {
    @Test("records every step, in whatever parts it comes", arguments: 0..<50 as Range<UInt64>)
    func trace(seed: UInt64) throws {
        var generator = SeededRandom(seed: seed)
        let trace = randomTrace(using: &generator)
        var recorder = recorder(of: trace)
        recorder.start()
        for step in 0..<trace.stepCount { feed(step, of: trace, to: &recorder, &generator) }
        recorder.stop()
        feed(0, of: trace, to: &recorder, &generator)
        #expect(try recorded(recorder.trace, as: trace) == trace, "seed \(seed)")
        #expect(recorder.traceStepCount == trace.stepCount && !recorder.isFull)
        let samples = Array(recorder.samples.prefix(trace.stepCount))
        #expect(try recorded(samples, as: trace) == trace, "seed \(seed)")
    }

    @Test("forgets a step that does not end")
    func failedStep() {
        var recorder = StepRecorder(expertCounts: [4, 4], topK: 1, largestStep: 8, halfLife: 100)
        recorder.start()
        recorder.begin(rowCount: 2)
        recorder.add([1, 2], layer: LayerIndex(0), from: 0)
        recorder.begin(rowCount: 1)
        recorder.add([3], layer: LayerIndex(0), from: 0)
        recorder.add([0], layer: LayerIndex(1), from: 0)
        #expect(recorder.trace == [RecordedSteps(rowCounts: [1], experts: [3, 0])])
    }

    @Test("passes over what cannot be")
    func nonsense() {
        var recorder = StepRecorder(expertCounts: [4, 0], topK: 1, largestStep: 8, halfLife: 100)
        recorder.start()
        recorder.begin(rowCount: 1)
        recorder.add([1, 1], layer: LayerIndex(0), from: 0)
        recorder.add([1], layer: LayerIndex(0), from: -1)
        recorder.add([1], layer: LayerIndex(1), from: 0)
        recorder.add([1], layer: LayerIndex(9), from: 0)
        recorder.add([9], layer: LayerIndex(0), from: 0)
        recorder.add([1], layer: LayerIndex(0), from: 0)
        #expect(recorder.trace.isEmpty && recorder.samples.isEmpty)
    }

    @Test("stops at its limit and says so; the next trace starts anew")
    func limit() {
        var limits = StepRecorder.Limits()
        limits.traceByteCount = 20
        var recorder = StepRecorder(
            expertCounts: [4],
            topK: 1,
            largestStep: 8,
            halfLife: 100,
            limits: limits
        )
        recorder.start()
        for _ in 0..<4 { oneRow(2, to: &recorder) }
        #expect(recorder.traceStepCount == 3 && recorder.isFull && !recorder.isRecording)
        recorder.start()
        oneRow(1, to: &recorder)
        #expect(recorder.traceStepCount == 1 && !recorder.isFull && recorder.isRecording)
    }

    @Test("samples old and new steps alike at first, then newer ones more often")
    func sample() {
        func ages(_ halfLife: Double) -> Double {
            var recorder = StepRecorder(
                expertCounts: [4096],
                topK: 1,
                largestStep: 1,
                halfLife: halfLife
            )
            for step in 0..<4000 { oneRow(Int32(step), to: &recorder) }
            #expect(recorder.samples.count == 256)
            let numbers = recorder.samples.map { Double($0.experts[0]) }
            #expect(numbers == numbers.sorted())
            return 4000 - numbers.reduce(0, +) / 256
        }
        #expect((1750...2250).contains(ages(1e9)))
        // The mean age is the half-life over the logarithm of 2.
        #expect((480...680).contains(ages(400)))
    }

    private func oneRow(_ expert: Int32, to recorder: inout StepRecorder) {
        recorder.begin(rowCount: 1)
        recorder.add([expert], layer: LayerIndex(0), from: 0)
    }

    private func recorder(of trace: RoutingTrace) -> StepRecorder {
        StepRecorder(
            expertCounts: trace.expertCounts,
            topK: trace.topK,
            largestStep: 8,
            halfLife: 100
        )
    }

    private func recorded(
        _ steps: [RecordedSteps],
        as trace: RoutingTrace
    ) throws(ProfileError) -> RoutingTrace {
        try RoutingTrace(expertCounts: trace.expertCounts, topK: trace.topK, recorded: steps)
    }

    /// In two parts, cut anywhere.
    private func feed(
        _ step: Int,
        of trace: RoutingTrace,
        to recorder: inout StepRecorder,
        _ generator: inout SeededRandom
    ) {
        let rows = trace.rowCounts[step]
        let cut = Int.random(in: 0...rows, using: &generator)
        recorder.begin(rowCount: rows)
        for layer in trace.expertLayers {
            let chosen = trace.experts(step: step, layer: layer).map(Int32.init)
            let head = Array(chosen.prefix(cut * trace.topK))
            let tail = Array(chosen.dropFirst(cut * trace.topK))
            recorder.add(head, layer: LayerIndex(layer), from: 0)
            recorder.add(tail, layer: LayerIndex(layer), from: cut)
        }
    }
}
