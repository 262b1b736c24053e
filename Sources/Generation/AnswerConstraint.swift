import Tokenizer

/// Keeps an answer the beginning of one of its form, token by token.
struct AnswerConstraint {
    private let tokenizer: Tokenizer
    private var prefix: FormPrefix
    /// Tokens that may end the opening of a call and go on behind it: in free text no others can
    /// be wrong.
    private let openers: [Int32]
    private var allowed: [Float] = []

    /// Nil where every answer is of the form.
    init?(_ form: AnswerForm, _ tokenizer: Tokenizer) {
        guard let prefix = FormPrefix(form) else { return nil }
        self.tokenizer = tokenizer
        self.prefix = prefix
        guard let last = prefix.awaitedOpening?.last else {
            openers = []
            return
        }
        openers = (0..<Int32(clamping: tokenizer.vocabularyCount)).filter {
            tokenizer.piece(of: $0, includeSpecial: false).contains(last)
        }
    }

    /// Whether the answer is complete.
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
        prefix.awaitedOpening == nil ? maskedInside(logits) : maskedOutside(logits)
    }

    /// Outside of calls.
    private mutating func maskedOutside(_ logits: ArraySlice<Float>) -> ArraySlice<Float> {
        let wrong = openers.filter {
            !prefix.takes(tokenizer.piece(of: $0, includeSpecial: false))
        }
        guard !wrong.isEmpty else { return logits }
        allowed.removeAll(keepingCapacity: true)
        allowed.append(contentsOf: logits)
        for token in wrong where Int(token) < allowed.count { allowed[Int(token)] = -.infinity }
        return allowed[...]
    }

    /// In JSON.
    private mutating func maskedInside(_ logits: ArraySlice<Float>) -> ArraySlice<Float>? {
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
            if let first = piece.first, begins[Int(first)], prefix.takes(piece),
                // One that ends answers is no text, whatever it looks like.
                !tokenizer.isEndOfGeneration(Int32(token))
            {
                isStuck = false
            } else {
                allowed[token] = -.infinity
            }
        }
        return isStuck ? nil : allowed[...]
    }
}
