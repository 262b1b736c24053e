import Cluster
import Placement
import Wire

extension NodeReport {
    /// How it gives accuracy for speed, and in how many bits once it has said so; nil where it is
    /// exact.
    var lossyWords: String? {
        lossy.map { kind in supply.lowTier.map { "\(kind.name) \($0)" } ?? kind.name }
    }
}

/// A worker that gives accuracy for speed, as `--json` of the status shows it.
struct LossyLine: Encodable {
    let worker: String
    let mode: String
    /// Nil before it has said so.
    let lowTier: String?

    enum CodingKeys: String, CodingKey {
        case worker, mode
        case lowTier = "low_tier"
    }

    /// - Returns: nil where it is exact.
    init?(_ node: NodeReport) {
        guard let lossy = node.lossy else { return nil }
        worker = node.name.rawValue
        mode = lossy.name
        lowTier = node.supply.lowTier
    }
}
