import Cluster
import Experts
import Messaging
import Model
import Storage

/// Why a worker could not get its experts.
enum SupplyError: Error, CustomStringConvertible {
    /// What a file has is not usable, and there is no other place to look.
    case model(ModelError)
    /// There is no place to look at all.
    case nowhere(experts: Int)
    /// The coordinator did not answer.
    case silence(Duration, Endpoint)
    /// It does not send what it assigned.
    case refused(ChunkRefusalCode, String)
    /// What it sends is not what it assigned.
    case differs(ExpertDigest)
    case messaging(MessagingError)
    /// The memory that it may have is too little.
    case budget(MemoryPlanError)
    /// The memory that it may have was divided before so many shards were to be in it.
    case shards(byteCount: Int, room: Int)
    /// Where packed experts are to be is no place for them.
    case cache(ExpertCacheError)
    case cancelled

    var description: String {
        switch self {
        case .model(let error): "\(error)"
        case .nowhere(let count):
            "\(count) experts are in no file of this worker, and the coordinator sends none: name "
                + "the model with --model, or install the same release on both"
        case .silence(let time, let endpoint):
            "the coordinator sent no chunk of an expert for \(time.inSeconds): can this machine "
                + "reach \(endpoint)?"
        case .refused(let code, let text): "the coordinator sends no chunk (\(code)): \(text)"
        case .differs(let digest):
            "what the coordinator sends as expert \(digest) came damaged twice: its file may have "
                + "changed since it started"
        case .messaging(let error): "\(error)"
        case .budget(let error): "\(error)"
        case .shards(let byteCount, let room):
            "shards of experts need \(byteCount) bytes of memory beside the experts on disk, and "
                + "\(room) are left for them: start the worker again, so that it divides "
                + "worker.memory anew, or give it more"
        case .cache(let error): "\(error)"
        case .cancelled: "loading was cancelled"
        }
    }

    var code: LoadFailureCode {
        switch self {
        case .model(let error): LoadFailureCode(error)
        case .nowhere, .silence, .messaging, .cancelled: .fileMissing
        case .refused, .cache: .unreadable
        case .budget, .shards: .outOfMemory
        case .differs: .wrongDigest
        }
    }
}

extension SupplyError {
    init(_ failure: ExpertFetch.Failure, at endpoint: Endpoint) {
        self =
            switch failure {
            case .silence(let time): .silence(time, endpoint)
            case .refused(let code, let text): .refused(code, text)
            case .differs(let digest): .differs(digest)
            }
    }
}
