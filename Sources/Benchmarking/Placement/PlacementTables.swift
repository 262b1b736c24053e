import Placement

/// A comparison as a table in Markdown.
public struct PlacementTable {
    private let comparison: PlacementComparison

    /// What the coordinator takes of a step under `contiguous`: nearly half of the bytes that a
    /// token reads are its own (attention, output matrix).
    private static let coordinatorShare = 0.44

    public init(_ comparison: PlacementComparison) { self.comparison = comparison }

    public var markdown: String {
        guard let base = comparison.results.first else { return "" }
        let header = """
            ## \(comparison.name)

            | plan | expert time, tail | of what balance permits | of what whole experts permit \
            | rows to workers, tail | worker to worker, tail | experts' step | end to end \
            | imbalance p50, p99 | planned in |
            |---|---|---|---|---|---|---|---|---|---|

            """
        return header + comparison.results.map { row($0, base) }.joined() + "\n"
    }

    private func row(_ result: PlacementResult, _ base: PlacementResult) -> String {
        let saved = base.computeTail - result.computeTail
        let step = 1 - result.replay.meanStepSeconds / base.replay.meanStepSeconds
        let cells = [
            result.solver.rawValue,
            milliseconds(result.computeTail, base.computeTail),
            share(saved, of: base.computeTail - base.computeMean),
            share(saved, of: base.computeTail - comparison.attainableTail),
            milliseconds(result.transferTail, base.transferTail),
            milliseconds(result.linkTail, base.linkTail),
            milliseconds(result.replay.meanStepSeconds, base.replay.meanStepSeconds),
            percent(-step * (1 - Self.coordinatorShare)),
            [0.5, 0.99].map { fixed(result.replay.imbalance(at: $0)) }.joined(separator: ", "),
            "\(fixed(result.planningTime / .seconds(1))) s",
        ]
        return "| " + cells.joined(separator: " | ") + " |\n"
    }

    private func milliseconds(_ seconds: Double, _ base: Double) -> String {
        guard base > 0 else { return "0" }
        return "\(fixed(seconds * 1000)) ms (\(percent(seconds / base - 1)))"
    }

    private func share(_ saved: Double, of permitted: Double) -> String {
        permitted > 0 ? percent(saved / permitted) : "-"
    }

    private func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }

    private func fixed(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
}
