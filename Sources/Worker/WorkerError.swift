public import Experts
public import Kernels
public import Messaging
public import Model
public import Settings

/// Why a worker cannot start, or cannot go on.
public enum WorkerError: Error, CustomStringConvertible {
    case settings(SettingsError)
    case model(ModelError)
    case kernels(KernelsError)
    case messaging(MessagingError)
    case key(KeyError)
    /// The memory that it may take is too little for its model.
    case memory(MemoryPlanError)
    /// The step thread ended early.
    case broken(String)

    public var description: String {
        switch self {
        case .settings(let error): "\(error)"
        case .model(let error): "\(error)"
        case .kernels(let error): "\(error)"
        case .messaging(let error): "\(error)"
        case .key(let error): "\(error)"
        case .memory(let error): "\(error)"
        case .broken(let text): text
        }
    }
}
