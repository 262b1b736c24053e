public import GGUF
public import Tensors

/// Why a file is not a model we can run.
public enum ModelError: Error, CustomStringConvertible {
    /// The file cannot be read, or is not valid GGUF.
    case file(GGUFError)
    case unknownArchitecture(String, known: [String])
    /// A hyper-parameter is missing a sane value.
    case hyperparameter(key: String, found: String, expected: String)
    /// The file asks for arithmetic that is not built.
    case unsupported(String)
    case missingTensor(String, path: String)
    case wrongShape(tensor: String, found: [Int], expected: String)
    /// A tensor's type cannot be multiplied with.
    case unsupportedType(tensor: String, type: String, known: [String])
    /// A weight, or the scale of a block of them, is infinite or no number.
    case notFinite(tensor: String, fileOffset: Int, path: String)
    /// The model has no such expert.
    case unknownExpert(ExpertID, path: String)
    /// The model has it, but this place does not.
    case absentExpert(ExpertID, path: String)
    /// No expert can be cut like that.
    case badShard(ExpertSlice, width: Int, path: String)
    /// A tensor of a layer whose meaning is not known; ignoring it would change the output.
    case unknownTensor(String)
    /// Reading was given up on request.
    case cancelled
    /// The weights on this machine are not those of the model that was asked for.
    case differs(String)

    /// What there is too little memory for.
    public static func shortage(_ shortage: MemoryShortage, path: String) -> ModelError {
        .file(GGUFError(path: path, problem: .file(.tooLittleMemory(path: path, shortage))))
    }

    /// Whether another copy of the same model may do: this one cannot be read, or is damaged.
    public var isOfThisCopy: Bool {
        switch self {
        case .file(let error): !error.isShortage
        case .differs, .notFinite, .absentExpert: true
        default: false
        }
    }

    public var description: String {
        switch self {
        case .file(let error): "\(error)"
        case .unknownArchitecture(let name, let known):
            "architecture '\(name)' is not supported; known: \(known.joined(separator: ", "))"
        case .hyperparameter(let key, let found, let expected):
            "\(key) is \(found); expected \(expected)"
        case .unsupported(let what): "\(what) is not supported"
        case .missingTensor(let name, let path): "tensor '\(name)' is missing from \(path)"
        case .wrongShape(let tensor, let found, let expected):
            "tensor '\(tensor)' has shape \(found); its role needs \(expected)"
        case .unsupportedType(let tensor, let type, let known):
            "tensor '\(tensor)' has type \(type), which cannot be computed with; "
                + "known: \(known.joined(separator: ", "))"
        case .notFinite(let tensor, let offset, let path):
            "\(path) at byte \(offset), tensor '\(tensor)': a weight is infinite or no number; "
                + "the file is damaged, fetch it again"
        case .unknownExpert(let id, let path): "\(path) has no \(id)"
        case .absentExpert(let id, let path): "\(id) is not in \(path)"
        case .badShard(let shard, let width, let path):
            "\(path) has no \(shard): a shard begins and ends at multiples of "
                + "\(ExpertSlice.step), or with the expert at \(width)"
        case .unknownTensor(let name):
            "tensor '\(name)' has no known role; leaving it out would change the output"
        case .cancelled: "reading was cancelled"
        case .differs(let what): what
        }
    }
}
