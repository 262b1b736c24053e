public import Caching
import Model
public import Placement

extension ExpertDemand {
    /// What a recorded trace asks of caches.
    ///
    /// - Parameters:
    ///   - sequenceRows: after how many rows another sequence begins.
    ///   - lowRanks: so many of each row's experts, the lightest, are wanted in the low tier.
    public init(_ trace: RoutingTrace, sequenceRows: Int, lowRanks: Int = 0) {
        self.init(expertCounts: trace.expertCounts)
        var rows = sequenceRows
        for step in 0..<trace.stepCount {
            if rows >= sequenceRows {
                beginSequence()
                rows = 0
            }
            rows += trace.rowCounts[step]
            for layer in trace.expertLayers {
                let needs = trace.experts(step: step, layer: layer).enumerated().map {
                    index,
                    expert in
                    Need(
                        ExpertID(layer: LayerIndex(layer), index: Int(expert)),
                        tier: index % trace.topK >= trace.topK - lowRanks ? .low : .high
                    )
                }
                append(layer: LayerIndex(layer), needs)
            }
        }
    }
}

extension CacheCalibration.Case {
    /// A trace whose steps are put together anew: weights are searched on its first half, figures
    /// are of the second.
    public init(
        name: String,
        trace: RoutingTrace,
        rowsPerStep: Int,
        sequenceRows: Int,
        lowRanks: Int = 0
    ) {
        let halves = trace.regrouped(rows: rowsPerStep).halves
        self.init(
            name: name,
            seen: ExpertDemand(halves.first, sequenceRows: sequenceRows, lowRanks: lowRanks),
            unseen: ExpertDemand(halves.second, sequenceRows: sequenceRows, lowRanks: lowRanks)
        )
    }
}
