/// What became of bytes that were taken for something.
public enum ProbeOutcome: Equatable, Sendable {
    /// Refused, with these words.
    case refused(String)
    case read
    /// Read, but not as it should be: a bug.
    case changed(String)

    /// What an error says, which must be something.
    static func refused(by error: any Error) -> ProbeOutcome {
        let words = "\(error)"
        precondition(!words.isEmpty, "an error must say something: \(type(of: error))")
        return .refused(words)
    }
}
