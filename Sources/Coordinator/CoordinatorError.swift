public import Kernels
public import Messaging
public import Model
public import Placement
public import Settings
public import Tokenizer

/// Why a coordinator cannot start, or cannot go on.
public enum CoordinatorError: Error, CustomStringConvertible {
    case settings(SettingsError)
    case model(ModelError)
    case tokenizer(TokenizerError)
    case kernels(KernelsError)
    case messaging(MessagingError)
    case key(KeyError)
    case plan(path: String, PlanError)
    /// The file that the settings name as the plan cannot be read.
    case unreadablePlan(path: String, reason: String)
    /// The state directory cannot be read or written.
    case state(String)
    /// A thread ended early.
    case broken(String)

    public var description: String {
        switch self {
        case .settings(let error): "\(error)"
        case .model(let error): "\(error)"
        case .tokenizer(let error): "\(error)"
        case .kernels(let error): "\(error)"
        case .messaging(let error): "\(error)"
        case .key(let error): "\(error)"
        case .plan(let path, let error): "\(path): \(error)"
        case .unreadablePlan(let path, let reason): "cannot read the plan \(path): \(reason)"
        case .state(let text), .broken(let text): text
        }
    }
}
