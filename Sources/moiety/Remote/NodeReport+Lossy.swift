import Cluster
import Model
import Placement
import Wire

extension NodeReport {
    /// How it gives accuracy for speed, and in how many bits once it has said so, if in fewer than
    /// the file; nil where it is exact.
    var lossyWords: String? { lossy?.words(lowTier: supply.lowTier) }
}

/// A worker that gives accuracy for speed, as `--json` of the status shows it.
struct LossyLine: Encodable {
    let worker: String
    let mode: String
    /// Nil before it has said so, and where it has none.
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
