public import Placement

/// Some steps and some workers that plans are compared on.
public struct PlacementCase: Sendable {
    public let name: String
    /// Planned by the first half, judged on the second.
    let trace: RoutingTrace
    let workers: [WorkerDescription]
    /// Bytes per second between the workers of two hosts.
    let betweenHosts: Double?

    /// Four equal workers on one host.
    static func oneHost(_ name: String, _ trace: RoutingTrace) -> PlacementCase {
        var workers = WorkerDescription.equal(4)
        for index in workers.indices { workers[index].host = "a" }
        return PlacementCase(
            name: name + ", 4 workers",
            trace: trace,
            workers: workers,
            betweenHosts: nil
        )
    }

    /// Two hosts of four workers; what leaves the coordinator's own is nine times slower.
    static func twoHosts(_ name: String, _ trace: RoutingTrace) -> PlacementCase {
        var workers = WorkerDescription.equal(8)
        for index in workers.indices {
            workers[index].host = index < 4 ? "a" : "b"
            if index >= 4 { workers[index].bandwidth /= 9 }
        }
        return PlacementCase(
            name: name + ", 2x4 workers",
            trace: trace,
            workers: workers,
            betweenHosts: workers[0].bandwidth / 9
        )
    }

    /// Both kinds of workers for each trace, the second where each has two experts.
    static func both(_ name: String, _ trace: RoutingTrace) -> [PlacementCase] {
        let one = oneHost(name, trace)
        guard (trace.expertCounts.max() ?? 0) >= 16 else { return [one] }
        return [one, twoHosts(name, trace)]
    }

    /// Synthetic traces of large batches (8192 rows a step), of several prompts' rows (1024) and of
    /// decoding (8).
    public static func synthetic() -> [PlacementCase] {
        [(8, 2, 32), (64, 6, 12), (128, 8, 12), (256, 8, 8)].flatMap { experts, topK, layers in
            let isMixtral = experts == 8
            let routing = SyntheticRouting(
                layerCount: layers,
                expertCount: experts,
                topK: topK,
                hotNeighbours: isMixtral
            )
            let kind = isMixtral ? "Mixtral-like" : "Qwen3-like"
            return [(8192, 16), (1024, 24), (8, 400)].flatMap { rows, steps in
                let name = "\(kind) \(experts) experts, \(rows) rows"
                let seed = UInt64(experts + rows)
                return both(
                    name,
                    routing.trace(stepCount: steps, rowsPerStep: rows, seed: seed)
                )
            }
        }
    }

    /// The same for a recorded trace.
    public static func recorded(_ name: String, _ trace: RoutingTrace) -> [PlacementCase] {
        [128, 8].flatMap { rows in
            both("\(name), \(rows) rows", trace.regrouped(rows: rows))
        }
    }
}
