import Model
import Placement
import Testing

/// A contiguous plan over workers a, b, c, ….
func contiguous(_ workerCount: Int, _ expertCounts: [Int], epoch: UInt64 = 1) throws -> Plan {
    let names = try (0..<workerCount).map { index in
        try #require(WorkerName(rawValue: String(UnicodeScalar(UInt8(97 + index)))))
    }
    return .contiguous(
        workers: names,
        expertCounts: expertCounts,
        epoch: Epoch(rawValue: epoch)
    )
}

func randomPlan(using generator: inout SeededRandom) throws -> Plan {
    let workerCount = Int.random(in: 1...5, using: &generator)
    let layers = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
        (0..<Int.random(in: 0...6, using: &generator)).map { _ in
            randomEntry(workerCount: workerCount, using: &generator)
        }
    }
    return Plan(
        epoch: Epoch(rawValue: generator.next()),
        workers: try contiguous(workerCount, []).workers,
        layers: layers
    )
}

private func randomEntry(
    workerCount: Int,
    using generator: inout SeededRandom
) -> ExpertEntry {
    let worker = Int.random(in: 0..<workerCount, using: &generator)
    switch Int.random(in: 0..<4, using: &generator) {
    case 0: return .replicas(Array(0...worker))
    case 1: return .shards((0...worker).map { Shard(worker: $0, from: $0 * 32, to: $0 * 32 + 32) })
    default: return .worker(worker)
    }
}

/// A few steps of any rows over three layers, one of them perhaps without experts.
func randomTrace(using generator: inout SeededRandom) -> RoutingTrace {
    let topK = Int.random(in: 1...3, using: &generator)
    let counts = (0..<3).map { layer in
        layer == 1 && Bool.random(using: &generator) ? 0 : Int.random(in: 3...6, using: &generator)
    }
    var trace = RoutingTrace(expertCounts: counts, topK: topK)
    for _ in 0..<Int.random(in: 1...5, using: &generator) {
        let rows = Int.random(in: 1...4, using: &generator)
        let chosen = trace.expertLayers.flatMap { layer in
            (0..<rows).flatMap { _ in
                (0..<counts[layer]).shuffled(using: &generator).prefix(topK).map(UInt16.init)
            }
        }
        trace.append(chosen)
    }
    return trace
}
