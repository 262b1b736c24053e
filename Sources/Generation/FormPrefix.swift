/// Bytes that are the beginning of an answer of some form.
///
/// Either all of it is JSON of a kind, or it is text that is free until a call of a tool begins,
/// and again behind the call.
package struct FormPrefix: AnswerPrefix {
    /// Nil where all of it is JSON.
    private let calls: CallForm?
    /// Where in the JSON it is; nil in free text.
    private var json: SchemaPrefix?
    /// Bytes of an opening that the text ends with.
    private var matched = 0
    private var callCount = 0

    /// Nil where every answer is of the form.
    package init?(_ form: AnswerForm) {
        switch form {
        case .text: return nil
        case .object: (calls, json) = (nil, SchemaPrefix(.anyObject))
        case .schema(let schema): (calls, json) = (nil, SchemaPrefix(schema))
        case .calls(let form): (calls, json) = (form, nil)
        }
    }

    /// Whether the answer is complete.
    package var isClosed: Bool { calls == nil && json?.isClosed == true }

    /// What a call begins with, where the answer is outside of one.
    package var awaitedOpening: [UInt8]? { json == nil ? calls?.opening : nil }

    /// Goes on by one byte.
    ///
    /// - Returns: whether it may come next; where not, this is of no further use.
    package mutating func take(_ byte: UInt8) -> Bool {
        guard json != nil else { return takeFree(byte) }
        guard json?.take(byte) == true else { return false }
        if calls != nil, json?.isClosed == true { json = nil }
        return true
    }

    private mutating func takeFree(_ byte: UInt8) -> Bool {
        guard let calls else { return true }
        if byte == calls.opening[matched] {
            matched += 1
        } else {
            matched = byte == calls.opening[0] ? 1 : 0
        }
        guard matched == calls.opening.count else { return true }
        matched = 0
        callCount += 1
        json = SchemaPrefix(calls.schema)
        return calls.limit.map { callCount <= $0 } ?? true
    }
}
