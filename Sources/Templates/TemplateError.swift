/// Why a template cannot be read or rendered, and in which line of it.
public struct TemplateError: Error, Equatable, Sendable {
    /// From 1 on.
    public let line: Int
    public let problem: Problem

    public init(line: Int, problem: Problem) {
        self.line = line
        self.problem = problem
    }

    public enum Problem: Error, Equatable, Sendable {
        // What stands in the template.
        /// A tag, comment or text in quotes that the template never ends.
        case unfinished(String, end: String)
        case unexpected(found: String, expected: String)
        case unknownTag(String)
        /// Of Jinja, but not for templates that consist of one file.
        case unsupported(String)
        case unclosedBlock(tag: String, end: String)

        // What happens while it is rendered.
        case unknownFilter(String)
        case unknownTest(String)
        case undefined(String)
        case wrongType(operation: String, found: String)
        case wrongArguments(of: String, reason: String)
        case notInRange(String)
        /// The template called `raise_exception`: it refuses the conversation.
        case raised(String)

        // Bounds.
        case tooLong(byteCount: Int, limit: Int)
        case tooDeep(limit: Int)
        case tooManySteps(limit: Int)
        case tooMuchOutput(limit: Int)
        case tooMuchMemory(limit: Int)
        case rangeTooLong(count: Int, limit: Int)
    }
}

extension TemplateError: CustomStringConvertible {
    public var description: String { "line \(line) of the chat template: \(problem)" }
}

extension TemplateError.Problem: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unfinished(let what, let end): "\(what) is never ended; add \(end)"
        case .unexpected(let found, let expected): "found \(found) where \(expected) must stand"
        case .unknownTag(let name): "there is no tag '\(name)'; correct its name"
        case .unsupported(let what): "\(what) is not supported in chat templates; write it out"
        case .unclosedBlock(let tag, let end): "'\(tag)' is never closed; add {% \(end) %}"
        case .unknownFilter(let name): "there is no filter '\(name)'; correct its name"
        case .unknownTest(let name): "there is no test '\(name)'; correct its name"
        case .undefined(let what): "\(what) is undefined; pass it, or ask 'is defined' first"
        case .wrongType(let operation, let found): "cannot \(operation) \(found)"
        case .wrongArguments(let name, let reason): "\(name) was called wrongly: \(reason)"
        case .notInRange(let what): "\(what) is outside its range"
        case .raised(let message): message
        case .tooLong(let count, let limit):
            "the template has \(count) bytes, more than the limit of \(limit); shorten it"
        case .tooDeep(let limit):
            "tags, expressions, macros or values are nested more than \(limit) deep; flatten them"
        case .tooManySteps(let limit):
            "rendering takes more than \(limit) steps; send fewer or shorter messages"
        case .tooMuchOutput(let limit):
            "the text is longer than \(limit) bytes; send fewer or shorter messages"
        case .tooMuchMemory(let limit):
            "rendering makes more than \(limit) bytes of values; send fewer or shorter messages"
        case .rangeTooLong(let count, let limit):
            "range() has \(count) numbers, more than the limit of \(limit)"
        }
    }
}
