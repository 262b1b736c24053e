/// What is wrong with a received message.
///
/// Field names are those of `Protos`.
public enum WireError: Error, Hashable, Sendable {
    /// The first frame is no envelope of this socket.
    case malformedHeader(byteCount: Int)
    /// An envelope without a message of a known type; 0 where it has none at all.
    case unknownType(UInt32)
    case wrongFrameCount(message: String, expected: Int, found: Int)
    case wrongFrameLength(field: String, expected: Int, found: Int)
    case beyondLimit(field: String, value: UInt64, limit: Int)
    /// The bytes are not UTF-8.
    case invalidText(field: String)
    case invalidValue(field: String, value: String)
}

extension WireError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .malformedHeader(let byteCount):
            "a first frame of \(byteCount) bytes is no envelope"
        case .unknownType(let number):
            "message type \(number) is unknown here"
        case .wrongFrameCount(let message, let expected, let found):
            "\(message) comes in \(expected) frames, not \(found)"
        case .wrongFrameLength(let field, let expected, let found):
            "\(field) needs \(expected) bytes, and its frame has \(found)"
        case .beyondLimit(let field, let value, let limit):
            "\(field) is \(value), beyond the limit of \(limit)"
        case .invalidText(let field):
            "\(field) is not UTF-8"
        case .invalidValue(let field, let value):
            "\(field) must not be \(value)"
        }
    }
}
