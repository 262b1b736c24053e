import Tokenizer

/// Keeps an answer the beginning of a JSON object of some kind, token by token.
struct AnswerConstraint {
    private let tokenizer: Tokenizer
    private var prefix: SchemaPrefix
    private var allowed: [Float] = []

    init(_ schema: AnswerSchema, _ tokenizer: Tokenizer) {
        self.tokenizer = tokenizer
        prefix = SchemaPrefix(schema)
    }

    /// Whether the object is complete.
    var isClosed: Bool { prefix.isClosed }

    mutating func take(_ token: Int32) {
        for byte in tokenizer.piece(of: token, includeSpecial: false) {
            _ = prefix.take(byte)
        }
    }

    /// The logits, those of tokens that may not come next at minus infinity.
    ///
    /// - Returns: nil where no token may come next.
    mutating func masked(_ logits: ArraySlice<Float>) -> ArraySlice<Float>? {
        // Most tokens fail at their first byte.
        let begins = (UInt8.min...UInt8.max).map { byte in
            var next = prefix
            return next.take(byte)
        }
        allowed.removeAll(keepingCapacity: true)
        allowed.append(contentsOf: logits)
        var isStuck = true
        for token in allowed.indices {
            let piece = tokenizer.piece(of: Int32(token), includeSpecial: false)
            if let first = piece.first, begins[Int(first)], prefix.takes(piece) {
                isStuck = false
            } else {
                allowed[token] = -.infinity
            }
        }
        return isStuck ? nil : allowed[...]
    }
}
