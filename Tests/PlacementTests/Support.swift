import Placement
import Testing

/// SplitMix64: the same numbers for the same seed, everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

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

func randomPlan(using generator: inout SeededGenerator) throws -> Plan {
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
    using generator: inout SeededGenerator
) -> ExpertEntry {
    let worker = Int.random(in: 0..<workerCount, using: &generator)
    switch Int.random(in: 0..<4, using: &generator) {
    case 0: return .replicas(Array(0...worker))
    case 1: return .shards((0...worker).map { Shard(worker: $0, from: $0 * 8, to: $0 * 8 + 8) })
    default: return .worker(worker)
    }
}

/// A few steps of any rows over three layers, one of them perhaps without experts.
func randomTrace(using generator: inout SeededGenerator) -> RoutingTrace {
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
