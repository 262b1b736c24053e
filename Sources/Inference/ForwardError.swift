public import Kernels
public import Model

/// Why a step could not be computed.
public enum ForwardError: Error, Equatable, CustomStringConvertible {
    case experts(ExpertRunnerError)
    case unknownToken(Int32, vocabularyCount: Int)
    case contextFull(capacity: Int)
    case cache(CacheError)
    /// Some logit is infinite or no number.
    case notFinite

    public var description: String {
        switch self {
        case .experts(let error): error.description
        case .unknownToken(let token, let count):
            "token \(token) is not in the vocabulary of \(count)"
        case .contextFull(let capacity): "the context of \(capacity) tokens is full"
        case .cache(let error): error.description
        case .notFinite:
            "the model's output is not finite; its weights may be damaged"
        }
    }
}
