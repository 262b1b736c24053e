/// What the text of an answer must be.
public enum AnswerForm: Equatable, Sendable {
    case text
    /// One JSON object, whatever is in it.
    case object
    /// One JSON object of this kind.
    case schema(AnswerSchema)
    /// Text, and calls of tools in it, which are of a kind.
    case calls(CallForm)
}

/// What calls of tools within an answer must be.
public struct CallForm: Equatable, Sendable {
    /// What a call begins with; its first byte is nowhere else in it.
    public let opening: [UInt8]
    /// What follows: objects, or an array.
    public let schema: AnswerSchema
    /// How often the opening may be written; nil where any number of times.
    public let limit: Int?

    /// - Precondition: an opening whose first byte is nowhere else in it.
    public init(opening: [UInt8], _ schema: AnswerSchema, limit: Int? = nil) {
        precondition(
            !opening.isEmpty && !opening.dropFirst().contains(opening[0]),
            "an opening must not begin again within itself"
        )
        self.opening = opening
        self.schema = schema
        self.limit = limit
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
    case tagged(Tagged)
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

    /// An object whose first property, a text, says which others it has.
    public struct Tagged: Equatable, Sendable {
        public struct Kind: Equatable, Sendable {
            /// The text, as a JSON text.
            public let tag: [UInt8]
            /// The properties that follow.
            public let rest: [Property]

            public init(tag: [UInt8], _ rest: [Property]) {
                self.tag = tag
                self.rest = rest
            }
        }

        /// The first property.
        let tag: Property
        /// What follows each of its texts, in the order of the literals.
        let rest: [[Property]]

        /// - Parameters:
        ///   - key: of the first property, as a JSON text.
        ///   - kinds: each with a tag of its own.
        public init(key: [UInt8], _ kinds: [Kind]) {
            let sorted = kinds.sorted { $0.tag.lexicographicallyPrecedes($1.tag) }
            tag = Property(key: key, .literals(Literals(sorted.map(\.tag))))
            rest = sorted.map(\.rest)
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
        case .anyObject, .object, .tagged: byte == UInt8(ascii: "{")
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
