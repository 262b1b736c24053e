public import Model

/// Why a plan cannot be used.
public enum PlanError: Error, Hashable {
    case fileTooLarge(byteCount: Int, limit: Int)
    /// `place` is where in the file: "worker 2", "expert 3 of layer 1".
    case malformed(place: String, line: Int, reason: String)
    case tooMany(what: String, limit: Int)
    case noWorkers
    case duplicateWorker(WorkerName)
    case layerCount(found: Int, expected: Int)
    case expertCount(LayerIndex, found: Int, expected: Int)
    case unknownWorker(ExpertID, index: Int, workerCount: Int)
    case badReplicas(ExpertID, reason: String)
    case badShards(ExpertID, reason: String)
}

extension PlanError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .fileTooLarge(let byteCount, let limit):
            "the plan has \(byteCount) bytes; at most \(limit) are read"
        case .malformed(let place, let line, let reason):
            "the plan is malformed at \(place) (line \(line)): \(reason)"
        case .tooMany(let what, let limit):
            "the plan has more \(what) than the limit of \(limit)"
        case .noWorkers:
            "the plan names no workers"
        case .duplicateWorker(let name):
            "the plan names worker '\(name)' twice"
        case .layerCount(let found, let expected):
            "the plan has \(found) layers, the model \(expected)"
        case .expertCount(let layer, let found, let expected):
            "the plan places \(found) experts in layer \(layer.rawValue), the model has \(expected)"
        case .unknownWorker(let expert, let index, let workerCount):
            "the plan puts \(expert) on worker index \(index), but names \(workerCount) workers "
                + "(counted from 0)"
        case .badReplicas(let expert, let reason):
            "the replicas of \(expert) make no sense: \(reason)"
        case .badShards(let expert, let reason):
            "the shards of \(expert) make no sense: \(reason)"
        }
    }
}
