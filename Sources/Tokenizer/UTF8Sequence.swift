/// What stands at one place of bytes that claim to be UTF-8.
///
/// Ill-formed bytes are counted as the Unicode standard recommends: each maximal beginning of a
/// character is one fault.
enum UTF8Sequence: Equatable {
    case wellFormed(byteCount: Int)
    case illFormed(byteCount: Int)
    /// The bytes end inside a character that is well-formed so far.
    case incomplete(byteCount: Int)

    init(at start: Int, in bytes: [UInt8], end: Int) {
        guard let length = Self.length(lead: bytes[start]) else {
            self = .illFormed(byteCount: 1)
            return
        }
        var allowed = Self.second(lead: bytes[start])
        for offset in 1..<max(length, 1) {
            guard start + offset < end else {
                self = .incomplete(byteCount: offset)
                return
            }
            guard allowed.contains(bytes[start + offset]) else {
                self = .illFormed(byteCount: offset)
                return
            }
            allowed = 0x80...0xBF
        }
        self = .wellFormed(byteCount: length)
    }

    private static func length(lead: UInt8) -> Int? {
        switch lead {
        case 0x00...0x7F: 1
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: nil
        }
    }

    /// The bytes that may follow a lead byte: no overlong forms, no surrogates, no number above
    /// U+10FFFF.
    private static func second(lead: UInt8) -> ClosedRange<UInt8> {
        switch lead {
        case 0xE0: 0xA0...0xBF
        case 0xED: 0x80...0x9F
        case 0xF0: 0x90...0xBF
        case 0xF4: 0x80...0x8F
        default: 0x80...0xBF
        }
    }
}

extension UTF8Sequence {
    /// Cuts bytes into runs that are well-formed UTF-8 and runs that are not, in order.
    static func runs(
        of bytes: [UInt8],
        in range: Range<Int>
    ) -> [(range: Range<Int>, isWellFormed: Bool)] {
        var runs: [(range: Range<Int>, isWellFormed: Bool)] = []
        var position = range.lowerBound
        while position < range.upperBound {
            let sequence = UTF8Sequence(at: position, in: bytes, end: range.upperBound)
            let next = position + sequence.byteCount
            if let last = runs.last, last.isWellFormed == sequence.isWellFormed {
                runs[runs.count - 1].range = last.range.lowerBound..<next
            } else {
                runs.append((position..<next, sequence.isWellFormed))
            }
            position = next
        }
        return runs
    }

    var byteCount: Int {
        switch self {
        case .wellFormed(let byteCount), .illFormed(let byteCount), .incomplete(let byteCount):
            byteCount
        }
    }

    var isWellFormed: Bool {
        if case .wellFormed = self { true } else { false }
    }
}
