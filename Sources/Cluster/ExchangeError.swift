public import Model
public import Placement

/// Why a layer's trip to the workers failed.
public enum ExchangeError: Error, Hashable {
    /// The worker keeps its connection but did not answer; `waited` counts from its first share.
    case workerSilent(WorkerName, LayerIndex, waited: Duration, attempts: UInt32)
    /// The worker is gone, `waited` after its share was sent.
    case workerLost(WorkerName, LayerIndex, waited: Duration, reason: String)
    case shareRefused(WorkerName, LayerIndex, ShareRefusalCode, reason: String)
    /// No worker that holds these experts came back in time.
    case expertsMissing(LayerIndex, experts: [Int], of: [WorkerName], waited: Duration)
}

extension ExchangeError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .workerSilent(let worker, let layer, let waited, let attempts):
            "worker '\(worker)' did not answer its share of layer \(layer.rawValue) within "
                + "\(waited.inSeconds)\(attempts > 1 ? ", asked \(attempts) times" : "")"
        case .workerLost(let worker, let layer, let waited, let reason):
            "worker '\(worker)' was lost \(waited.inSeconds) into its share of layer "
                + "\(layer.rawValue): \(reason)"
        case .shareRefused(let worker, let layer, let code, let reason):
            "worker '\(worker)' refused its share of layer \(layer.rawValue) (\(code)): \(reason)"
        case .expertsMissing(let layer, let experts, let workers, let waited):
            "no worker that serves holds \(Self.text(experts)) of layer \(layer.rawValue): none of "
                + "\(workers.map { "'\($0)'" }.joined(separator: ", ")) came back within "
                + waited.inSeconds
        }
    }

    /// Names a few of them.
    static func text(_ experts: [Int]) -> String {
        let some = experts.prefix(8).map(String.init).joined(separator: ", ")
        let rest = experts.count - 8
        let noun = experts.count == 1 ? "expert" : "experts"
        return "\(noun) \(some)" + (rest > 0 ? " and \(rest) more" : "")
    }
}
