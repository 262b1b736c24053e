/// What the text of an answer must be.
public enum AnswerForm: Equatable, Sendable {
    case text
    /// One JSON object, whatever is in it.
    case object
    /// One JSON object of this kind.
    case schema(AnswerSchema)

    /// What the answer's JSON is held to; nil where it need not be any.
    var schema: AnswerSchema? {
        switch self {
        case .text: nil
        case .object: .anyObject
        case .schema(let schema): schema
        }
    }
}

/// What kind of JSON value is wanted.
///
/// What it says is what answers are held to, not all that a JSON schema would let pass: an object
/// has no other keys, and has them in this order.
public indirect enum AnswerSchema: Equatable, Sendable {
    case any
    case text
    case number
    case whole
    case bool
    case null
    case literals(Literals)
    case anyObject
    case object([Property])
    case array(AnswerSchema, counts: ClosedRange<Int>)
    /// One of these, which a first byte tells apart.
    case either([AnswerSchema])

    /// JSON texts of which a value is one; none is an array or an object.
    public struct Literals: Equatable, Sendable {
        /// In order, so that those with the same beginning stand together.
        public let texts: [[UInt8]]

        public init(_ texts: [[UInt8]]) {
            self.texts = texts.sorted { $0.lexicographicallyPrecedes($1) }
        }

        /// Those that go on with that byte, of some whose first `length` bytes are the same.
        func narrowed(_ range: Range<Int>, at length: Int, to byte: UInt8) -> Range<Int>? {
            func place(of isBehind: (UInt8) -> Bool) -> Int {
                var (low, high) = (range.lowerBound, range.upperBound)
                while low < high {
                    let middle = low + (high - low) / 2
                    let text = texts[middle]
                    // One that ends there comes first.
                    if text.count > length, isBehind(text[length]) {
                        high = middle
                    } else {
                        low = middle + 1
                    }
                }
                return low
            }
            let narrowed = place { $0 >= byte }..<place { $0 > byte }
            return narrowed.isEmpty ? nil : narrowed
        }
    }

    /// A property of an object; at most `optionalLimit` of one object may be left out.
    public struct Property: Equatable, Sendable {
        /// As a JSON text, quotes and all.
        public let key: [UInt8]
        public let schema: AnswerSchema
        public let isRequired: Bool

        public init(key: [UInt8], _ schema: AnswerSchema, isRequired: Bool = true) {
            self.key = key
            self.schema = schema
            self.isRequired = isRequired
        }
    }

    /// Whether a value of this kind may begin with that byte.
    func begins(with byte: UInt8) -> Bool {
        switch self {
        case .any: true
        case .text: byte == UInt8(ascii: "\"")
        case .number, .whole:
            byte == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        case .bool: byte == UInt8(ascii: "t") || byte == UInt8(ascii: "f")
        case .null: byte == UInt8(ascii: "n")
        case .literals(let literals):
            literals.narrowed(literals.texts.indices, at: 0, to: byte) != nil
        case .anyObject, .object: byte == UInt8(ascii: "{")
        case .array: byte == UInt8(ascii: "[")
        case .either(let kinds): kinds.contains { $0.begins(with: byte) }
        }
    }

    /// Properties of an object that may be left out; so many are looked through for each byte.
    public static let optionalLimit = 63

    /// Whether a first byte tells these apart, so that `either` may have them.
    public static func areDistinct(_ kinds: [AnswerSchema]) -> Bool {
        (UInt8.min...UInt8.max).allSatisfy { byte in
            kinds.count { $0.begins(with: byte) } <= 1
        }
    }
}
