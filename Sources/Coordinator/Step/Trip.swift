import Cluster
import Messaging
import Model
import Tensors
import Wire

extension PartialRowsHeader {
    /// What is wrong with an answer's shape; nil where nothing is.
    func fault(asAnswerTo share: WorkerShare, of layer: LayerIndex, width: Int) -> String? {
        guard self.layer == layer, self.width == width, rowCount == share.rows.count else {
            let shape = "\(rowCount) rows of \(self.width) for layer \(self.layer.rawValue)"
            return "it answered \(shape) instead of \(share.rows.count) of \(width)"
        }
        return nil
    }
}

/// One layer's visit to the workers, as the step thread that sends and adds up sees it.
struct Trip {
    let id: Exchange.TripID
    let layer: LayerIndex
    let activations: Activations
    /// Shares whose worker's data connection is not there yet, and since when.
    var unsent: [(action: Exchange.Action, since: Instant)] = []
    /// Answers that came while another part's were awaited, where they lie.
    var early: [(share: Int, rows: PartialRowsHeader, frames: FrameList)] = []
    var times: TripTimes

    /// What has not left does not leave any more.
    mutating func takeUnsent() -> [ShareID] {
        defer { unsent = [] }
        return unsent.compactMap { waiting in
            guard case .send(_, _, let share, _, _) = waiting.action else { return nil }
            return share
        }
    }
}
