/// Bytes that are the beginning of a JSON object, or array of objects, of some kind.
///
/// `ObjectPrefix` knows what is JSON; this follows it and knows which part of the schema each byte
/// belongs to. What was taken can always be completed.
package struct SchemaPrefix: AnswerPrefix {
    /// An array or an object that is open.
    private struct Level {
        enum Kind {
            case anyArray
            case anyObject
            case array(AnswerSchema, ClosedRange<Int>)
            case object([AnswerSchema.Property])
            /// Its tag has not come yet.
            case tagged(AnswerSchema.Tagged)
        }

        var kind: Kind
        /// Items begun; of an object, properties that are done or left out.
        var count = 0
    }

    /// How far a text, number or word is bound.
    private enum Progress {
        case free
        /// A number without a fraction or an exponent.
        case whole
        /// One of those in the range, which have begun alike.
        case literal(AnswerSchema.Literals, Range<Int>, length: Int)
        /// A key of the innermost object: a bit for each that it may be, from the first one on.
        case key(UInt64, length: Int)
    }

    private let root: AnswerSchema
    private var syntax: ObjectPrefix
    private var levels: [Level] = []
    private var progress = Progress.free

    /// - Parameter root: objects, or an array.
    package init(_ root: AnswerSchema) {
        self.root = root
        if case .array = root {
            syntax = ObjectPrefix(isArray: true)
        } else {
            syntax = ObjectPrefix()
        }
    }

    package var isClosed: Bool { syntax.isClosed }

    /// Goes on by one byte.
    ///
    /// - Returns: whether it may come next; where not, this is of no further use.
    package mutating func take(_ byte: UInt8) -> Bool {
        let place = syntax.place
        guard syntax.take(byte) else { return false }
        let isSpace = [0x20, 0x0A, 0x0D, 0x09].contains(byte)
        switch place {
        case .inside: return goOn(byte)
        case .number where syntax.place == .number: return goOn(byte)
        case .number: return endsNumber && (isSpace || takeSign(byte))
        case .value, .firstItem: return isSpace || beginValue(byte)
        case .key: return isSpace || beginKey(byte)
        case .behindValue: return isSpace || takeSign(byte)
        case .between: return true
        }
    }

    // MARK: Values

    private mutating func beginValue(_ byte: UInt8) -> Bool {
        guard let level = levels.last else { return begin(root, byte) }
        switch level.kind {
        case .anyArray, .anyObject: return byte == UInt8(ascii: "]") ? close() : begin(.any, byte)
        case .object, .tagged: return begin(properties[level.count - 1].schema, byte)
        case .array(let item, let counts):
            if byte == UInt8(ascii: "]") { return close() }
            guard level.count < counts.upperBound else { return false }
            levels[levels.count - 1].count += 1
            return begin(item, byte)
        }
    }

    private mutating func begin(_ schema: AnswerSchema, _ byte: UInt8) -> Bool {
        guard schema.begins(with: byte) else { return false }
        progress = .free
        switch schema {
        case .any where byte == UInt8(ascii: "{"), .anyObject:
            levels.append(Level(kind: .anyObject))
        case .any where byte == UInt8(ascii: "["): levels.append(Level(kind: .anyArray))
        case .any, .text, .number, .bool, .null: break
        case .whole: progress = .whole
        case .literals(let literals):
            let all = literals.texts.indices
            guard let range = literals.narrowed(all, at: 0, to: byte) else { return false }
            progress = .literal(literals, range, length: 1)
        case .object(let properties): levels.append(Level(kind: .object(properties)))
        case .tagged(let tagged): levels.append(Level(kind: .tagged(tagged)))
        case .array(let item, let counts): levels.append(Level(kind: .array(item, counts)))
        case .either(let kinds):
            return kinds.first { $0.begins(with: byte) }.map { begin($0, byte) } ?? false
        }
        return true
    }

    /// In the middle of a text, a number or a word.
    private mutating func goOn(_ byte: UInt8) -> Bool {
        switch progress {
        case .free: return true
        case .whole: return byte != UInt8(ascii: ".") && byte | 0x20 != UInt8(ascii: "e")
        case .literal(let literals, let range, let length):
            guard let range = literals.narrowed(range, at: length, to: byte) else { return false }
            progress = .literal(literals, range, length: length + 1)
            if syntax.place == .behindValue { settleTag(range.lowerBound) }
            return true
        case .key(let candidates, let length): return goOn(byte, amongKeys: candidates, at: length)
        }
    }

    private mutating func goOn(_ byte: UInt8, amongKeys candidates: UInt64, at length: Int) -> Bool
    {
        let properties = properties
        let first = keys.lowerBound
        var rest: UInt64 = 0
        for bit in 0..<keys.count where candidates >> UInt64(bit) & 1 == 1 {
            let key = properties[first + bit].key
            if key.count > length, key[length] == byte { rest |= 1 << UInt64(bit) }
        }
        guard rest != 0 else { return false }
        progress = .key(rest, length: length + 1)
        if syntax.place == .between {
            // The quote at its end, which no other key has there.
            levels[levels.count - 1].count = first + rest.trailingZeroBitCount + 1
        }
        return true
    }

    /// The tag of the innermost object is complete, and says which its other properties are.
    private mutating func settleTag(_ index: Int) {
        guard case .tagged(let tagged) = levels.last?.kind else { return }
        levels[levels.count - 1].kind = .object([tagged.tag] + tagged.rest[index])
    }

    /// Whether a number is complete that nothing but the byte behind it ends.
    private var endsNumber: Bool {
        guard case .literal(let literals, let range, let length) = progress else { return true }
        // The shortest comes first.
        return literals.texts[range.lowerBound].count == length
    }

    // MARK: Arrays and objects

    /// Those of the innermost object.
    private var properties: [AnswerSchema.Property] {
        switch levels.last?.kind {
        case .object(let properties): properties
        case .tagged(let tagged): [tagged.tag]
        default: []
        }
    }

    /// Which properties may come next: those up to the first that must.
    private var keys: Range<Int> {
        let properties = properties
        let first = min(levels.last?.count ?? 0, properties.count)
        let required = properties[first...].firstIndex(where: \.isRequired)
        let end = required.map { $0 + 1 } ?? properties.count
        return first..<min(end, first + UInt64.bitWidth)
    }

    private mutating func beginKey(_ byte: UInt8) -> Bool {
        guard byte == UInt8(ascii: "\"") else { return close() }
        progress = .free
        switch levels.last?.kind {
        case .object, .tagged: break
        default: return true
        }
        guard !keys.isEmpty else { return false }
        progress = .key(.max, length: 1)
        return true
    }

    /// Behind a value: a comma, or the end of what it is in.
    private mutating func takeSign(_ byte: UInt8) -> Bool {
        guard byte == UInt8(ascii: ","), let level = levels.last else { return close() }
        switch level.kind {
        case .anyArray, .anyObject: return true
        case .array(_, let counts): return level.count < counts.upperBound
        case .object(let properties): return level.count < properties.count
        case .tagged: return false
        }
    }

    private mutating func close() -> Bool {
        guard let level = levels.popLast() else { return false }
        switch level.kind {
        case .anyArray, .anyObject: return true
        case .array(_, let counts): return level.count >= counts.lowerBound
        case .object(let properties):
            return !properties[level.count...].contains(where: \.isRequired)
        case .tagged: return false
        }
    }
}
