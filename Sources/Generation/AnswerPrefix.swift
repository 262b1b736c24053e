/// The beginning of an answer whose form is told byte by byte.
package protocol AnswerPrefix: Sendable {
    /// Goes on by one byte.
    ///
    /// - Returns: whether it may come next; where not, this is of no further use.
    mutating func take(_ byte: UInt8) -> Bool
}

extension AnswerPrefix {
    /// Whether all bytes may come next.
    package func takes(_ bytes: some Sequence<UInt8>) -> Bool {
        var next = self
        return bytes.allSatisfy { next.take($0) }
    }
}
