import Caching
import Cluster
import Model

/// How the experts of a lone row may come where a worker has them missing, by how little they weigh
/// in that row (HOBBIT, arXiv 2411.01433, 3.2).
///
/// A worker knows only the weights of its own experts, so this is decided where all are known.
/// Several rows, as prompts have, are computed as they are. Keeps its memory.
struct Judgement {
    private let thresholds = LoadThresholds()
    /// Of the row, the heaviest first; none where several rows were judged.
    private var experts: [Int32] = []
    private var choices: [LoadChoice] = []
    private var codes: [UInt8] = []

    mutating func judge(_ routing: Routing) {
        experts.removeAll(keepingCapacity: true)
        guard routing.rowCount == 1 else { return }
        experts.append(contentsOf: routing.experts)
        thresholds.choose(routing.weights[...], into: &choices)
    }

    /// As a share says it of its pairs; nothing where several rows were judged.
    mutating func said(of share: WorkerShare) -> [UInt8] {
        codes.removeAll(keepingCapacity: true)
        guard !experts.isEmpty else { return codes }
        for expert in share.pairExperts { codes.append(choice(of: Int32(expert)).rawValue) }
        return codes
    }

    /// Whether an expert is wanted as it is in the file.
    func isHigh(_ expert: Int32) -> Bool { experts.isEmpty || choice(of: expert) == .high }

    private func choice(of expert: Int32) -> LoadChoice {
        experts.firstIndex(of: expert).map { choices[$0] } ?? .high
    }
}
