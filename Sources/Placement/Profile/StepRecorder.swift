public import Model

/// Keeps what whole steps chose: a sample of them always, and all while a trace is recorded.
///
/// A step is taken part by part and layer by layer, and counts once it is complete; one that fails
/// on its way is forgotten. Once the largest step was seen in every place, keeping samples
/// allocates nothing.
public struct StepRecorder: Sendable {
    /// What bounds a recorder.
    public struct Limits: Hashable, Sendable {
        /// Sampled steps.
        public var sampleCount = 256
        /// Bytes that they take at most; where steps are large, fewer are kept.
        public var sampleByteCount = 64 << 20
        /// Bytes of a trace; a full one takes no more steps.
        public var traceByteCount = 64 << 20

        public init() {}
    }

    public let expertCounts: [Int]
    public let topK: Int
    public let limits: Limits
    private var sample: StepSample
    /// The trace that is or was recorded, in pieces of a megabyte.
    public private(set) var trace: [RecordedSteps] = []
    private var traceByteCount = 0
    /// Whether complete steps go into the trace.
    public private(set) var isRecording = false
    /// Whether steps are missing at the trace's end, for want of room.
    public private(set) var isFull = false

    /// The step under way.
    private var draft: [UInt16] = []
    private var rowCount = 0
    /// Values of the step that have come.
    private var filled = 0
    private var isTaking = false
    /// The place of each layer among those with experts; `[layer]`, -1 for one without.
    private let places: [Int]
    private let layerCount: Int
    private let largestStep: Int

    /// Bytes of a piece of a trace; a step that is larger is a piece of its own.
    private static let pieceByteCount = 1 << 20

    /// - Parameters:
    ///   - largestStep: rows of a step at most, to plan memory by.
    ///   - halfLife: after how many rows a sampled step is half as likely to be there still.
    public init(
        expertCounts: [Int],
        topK: Int,
        largestStep: Int,
        halfLife: Double,
        limits: Limits = Limits(),
        seed: UInt64 = 0
    ) {
        precondition(topK > 0 && largestStep > 0, "top \(topK), steps of \(largestStep) rows")
        self.expertCounts = expertCounts
        self.topK = topK
        self.limits = limits
        self.largestStep = largestStep
        var place = -1
        places = expertCounts.map { count in
            if count > 0 { place += 1 }
            return count > 0 ? place : -1
        }
        layerCount = place + 1
        let stepByteCount = 4 + 2 * largestStep * topK * max(1, layerCount)
        sample = StepSample(
            capacity: max(2, min(limits.sampleCount, limits.sampleByteCount / stepByteCount)),
            halfLife: halfLife,
            seed: seed
        )
    }

    /// The sampled steps, the oldest first.
    public var samples: [RecordedSteps] { sample.steps }

    public var sampleCount: Int { sample.count }

    public var traceStepCount: Int { trace.reduce(0) { $0 + $1.rowCounts.count } }

    // MARK: From one life to the next

    /// What the next life needs to go on.
    public var kept: KeptCounts.Steps { sample.kept }

    /// Goes on with the sample of a former life of the same model.
    ///
    /// Steps are passed over that are larger than any may be now, for whom no memory is planned.
    ///
    /// - Precondition: no step has begun yet.
    public mutating func take(_ kept: KeptCounts) {
        guard kept.expertCounts == expertCounts, kept.topK == topK else { return }
        let perRow = topK * layerCount
        let samples = kept.steps.samples.filter { step in
            step.rowCounts.allSatisfy { $0 <= largestStep }
                && step.experts.count == step.rowCounts.reduce(0) { $0 + Int($1) } * perRow
        }
        sample.take(
            KeptCounts.Steps(
                samples: samples,
                stepCount: kept.steps.stepCount,
                meanRows: kept.steps.meanRows
            )
        )
    }

    // MARK: Steps

    /// Begins a step; what is missing of the one before never comes.
    public mutating func begin(rowCount: Int) {
        self.rowCount = rowCount
        filled = 0
        let isSampled = sample.wants(rowCount: rowCount)
        isTaking = rowCount > 0 && layerCount > 0 && (isSampled || isRecording)
        guard isTaking else { return }
        let count = rowCount * topK * layerCount
        if draft.count > count { draft.removeLast(draft.count - count) }
        while draft.count < count { draft.append(0) }
    }

    /// Takes what some of the step's rows chose in one layer.
    ///
    /// - Parameters:
    ///   - chosen: `[row][topK]`, as `Routing.experts`.
    ///   - firstRow: where these rows begin among the step's.
    public mutating func add(_ chosen: [Int32], layer: LayerIndex, from firstRow: Int) {
        guard isTaking, places.indices.contains(layer.rawValue) else { return }
        let place = places[layer.rawValue]
        let rows = chosen.count / topK
        guard place >= 0, firstRow >= 0, firstRow + rows <= rowCount else { return }
        let start = (place * rowCount + firstRow) * topK
        for (index, expert) in chosen.enumerated() {
            guard expert >= 0, Int(expert) < expertCounts[layer.rawValue] else {
                isTaking = false
                return
            }
            draft[start + index] = UInt16(truncatingIfNeeded: expert)
        }
        filled += chosen.count
        if filled == draft.count { finish() }
    }

    private mutating func finish() {
        isTaking = false
        if isRecording { record() }
        sample.take(&draft, rowCount: rowCount)
    }

    // MARK: Traces

    /// Begins a trace and forgets the one before.
    public mutating func start() {
        trace = []
        traceByteCount = 0
        isFull = false
        isRecording = true
    }

    /// Ends the trace, which stays until the next one begins.
    public mutating func stop() { isRecording = false }

    private mutating func record() {
        let byteCount = 4 + 2 * draft.count
        guard traceByteCount + byteCount <= limits.traceByteCount else {
            isFull = true
            isRecording = false
            return
        }
        traceByteCount += byteCount
        if trace.last.map({ $0.byteCount + byteCount > Self.pieceByteCount }) ?? true {
            trace.append(RecordedSteps())
            trace[trace.count - 1].experts.reserveCapacity(Self.pieceByteCount / 2)
        }
        trace[trace.count - 1].rowCounts.append(UInt32(clamping: rowCount))
        trace[trace.count - 1].experts += draft
    }
}
