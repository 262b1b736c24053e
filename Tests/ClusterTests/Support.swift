import Cluster
import Model
import Placement
import Testing

func name(_ text: String) throws -> WorkerName {
    try #require(WorkerName(rawValue: text))
}

func epoch(_ number: Int) -> Epoch { Epoch(rawValue: UInt64(number)) }

func peer(_ number: Int) -> PeerID { PeerID([UInt8(truncatingIfNeeded: number)]) }

/// A model that is told from others by one byte.
func model(_ digit: Int) -> ModelIdentity {
    ModelIdentity(
        fileByteCount: 1000,
        headerDigest: Array(repeating: UInt8(truncatingIfNeeded: digit), count: 32)
    )
}

func digest(_ digit: Int) -> ExpertDigest {
    ExpertDigest(bytes: Array(repeating: UInt8(truncatingIfNeeded: digit), count: 32))
}

func expert(_ layer: Int, _ index: Int) -> ExpertID {
    ExpertID(layer: LayerIndex(layer), index: index)
}

func at(_ milliseconds: Int) -> Instant {
    Instant(nanoseconds: Int64(milliseconds) * 1_000_000)
}

extension [ExpertSlice] {
    /// `0/1 0/2@0-32`: layer, index, and what dimensions of it.
    var text: String {
        guard !isEmpty else { return "nothing" }
        return map { slice in
            let dimensions = slice.dimensions.map { "@\($0.lowerBound)-\($0.upperBound)" } ?? ""
            return [slice.expert].text + dimensions
        }.joined(separator: " ")
    }
}

extension [ExpertID] {
    /// `0/1 0/2`: layer and index.
    var text: String {
        isEmpty ? "nothing" : map { "\($0.layer.rawValue)/\($0.index)" }.joined(separator: " ")
    }
}

extension UInt64 {
    /// How fast something is to be loaded.
    var paceText: String {
        switch self {
        case 0: ""
        case .max: ", in the background"
        default: ", \(self) bytes per second"
        }
    }
}

/// The shares of rows, `[row][expert]`, in layer 0 of a plan whose workers all serve.
func splitShares(of rows: [[Int]], under plan: Plan) throws -> [WorkerShare] {
    var dispatch = try Dispatch(plan: plan)
    var shares = ShareList()
    let experts = rows.flatMap { $0.map { Int32($0) } }
    dispatch.split(
        Routing(
            topK: rows[0].count,
            experts: experts,
            weights: Array(repeating: 1, count: experts.count)
        ),
        layer: LayerIndex(0),
        among: plan.workers.map { _ in true },
        into: &shares
    )
    return (0..<shares.count).map { shares[$0] }
}
