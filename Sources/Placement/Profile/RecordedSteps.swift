/// What the routers chose in some steps, as a trace keeps it.
public struct RecordedSteps: Hashable, Sendable {
    /// Rows of each step; `[step]`.
    public var rowCounts: [UInt32] = []
    /// `[step][layer with experts][row][topK]`, one behind the other.
    public var experts: [UInt16] = []

    public init() {}

    public init(rowCounts: [UInt32], experts: [UInt16]) {
        self.rowCounts = rowCounts
        self.experts = experts
    }

    /// Bytes that the steps take in a trace.
    public var byteCount: Int { 4 * rowCounts.count + 2 * experts.count }
}

extension RoutingTrace {
    /// A trace of steps that were recorded elsewhere.
    ///
    /// - Throws: `ProfileError` where they do not fit together, or name experts that are not there.
    public init(
        expertCounts: [Int],
        topK: Int,
        recorded: [RecordedSteps],
        limits: Limits = Limits()
    ) throws(ProfileError) {
        let counts = recorded.flatMap(\.rowCounts)
        guard expertCounts.count <= limits.layers, (1...limits.topK).contains(topK),
            expertCounts.allSatisfy({ $0 == 0 || (topK...limits.expertsPerLayer).contains($0) })
        else { throw .badTrace(offset: 0, reason: "no model has such layers") }
        let perRow = expertCounts.count { $0 > 0 } * topK
        let rows = counts.reduce(0) { $0 + Int($1) }
        let values = recorded.reduce(0) { $0 + $1.experts.count }
        guard perRow > 0 || counts.isEmpty, values == rows * perRow else {
            throw .badTrace(offset: 0, reason: "\(values) experts for \(rows) rows")
        }
        self.init(expertCounts: expertCounts, topK: topK)
        for part in recorded {
            var start = 0
            for count in part.rowCounts {
                let end = start + Int(count) * perRow
                guard end <= part.experts.count else {
                    throw .badTrace(offset: 0, reason: "a step's experts are missing")
                }
                try append(checking: part.experts[start..<end])
                start = end
            }
        }
    }

    /// One of the steps, as it was recorded.
    func recorded(_ step: Int) -> RecordedSteps {
        RecordedSteps(
            rowCounts: [UInt32(clamping: rowCounts[step])],
            experts: expertLayers.flatMap { experts(step: step, layer: $0) }
        )
    }

    private mutating func append(checking chosen: ArraySlice<UInt16>) throws(ProfileError) {
        let layers = expertLayers
        let perLayer = chosen.count / max(1, layers.count)
        for (place, layer) in layers.enumerated() {
            let start = chosen.startIndex + place * perLayer
            guard
                let bad = chosen[start..<start + perLayer].first(where: {
                    $0 >= expertCounts[layer]
                })
            else { continue }
            throw .badTrace(offset: 0, reason: "layer \(layer) has no expert \(bad)")
        }
        append(Array(chosen))
    }
}
