/// Text as UTF-8 bytes, counted and compared code point by code point.
///
/// Swift's strings count and compare characters as people see them; templates are written for
/// Python, which counts code points.
struct Text: Hashable, Sendable {
    /// Always valid UTF-8.
    private(set) var bytes: [UInt8]

    init(_ string: String) { bytes = Array(string.utf8) }

    /// - Parameter bytes: valid UTF-8, such as whole characters of other texts.
    init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    /// - Parameter bytes: valid UTF-8.
    init(bytes: [UInt8]) { self.bytes = bytes }

    static let empty = Text("")

    var string: String { String(decoding: bytes, as: UTF8.self) }
    var isEmpty: Bool { bytes.isEmpty }
    var scalars: String.UnicodeScalarView { string.unicodeScalars }

    /// Code points.
    var count: Int {
        var count = 0
        for byte in bytes where !Self.continues(byte) { count += 1 }
        return count
    }

    static func continues(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }

    /// Where each code point begins, and the end.
    func starts() -> [Int] {
        bytes.indices.filter { !Self.continues(bytes[$0]) } + [bytes.count]
    }

    func repeated(_ count: Int) -> Text {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count * count)
        for _ in 0..<count { result += bytes }
        return Text(bytes: result)
    }

    mutating func append(_ other: Text) { bytes += other.bytes }

    /// The first place at or behind `start` where `other` stands.
    ///
    /// Takes time in proportion to both lengths: templates may hold texts made to be slow.
    func firstRange(of other: Text, from start: Int = 0) -> Range<Int>? {
        let wanted = other.bytes
        guard let first = wanted.first else { return start <= bytes.count ? start..<start : nil }
        guard start + wanted.count <= bytes.count else { return nil }
        guard wanted.count > 1 else {
            return bytes[start...].firstIndex(of: first).map { $0..<$0 + 1 }
        }
        let fallbacks = Self.fallbacks(of: wanted)
        var matched = 0
        for place in start..<bytes.count {
            while matched > 0, bytes[place] != wanted[matched] { matched = fallbacks[matched - 1] }
            if bytes[place] == wanted[matched] { matched += 1 }
            if matched == wanted.count { return place + 1 - matched..<place + 1 }
        }
        return nil
    }

    /// How much of the text still matches where the next byte does not (Knuth, Morris and Pratt).
    private static func fallbacks(of wanted: [UInt8]) -> [Int] {
        var fallbacks = [Int](repeating: 0, count: wanted.count)
        var matched = 0
        for place in 1..<wanted.count {
            while matched > 0, wanted[place] != wanted[matched] { matched = fallbacks[matched - 1] }
            if wanted[place] == wanted[matched] { matched += 1 }
            fallbacks[place] = matched
        }
        return fallbacks
    }

    func hasPrefix(_ other: Text) -> Bool { bytes.starts(with: other.bytes) }

    func hasSuffix(_ other: Text) -> Bool {
        bytes.count >= other.bytes.count && bytes.suffix(other.bytes.count) == other.bytes[...]
    }

    /// Every place of `old` becomes `new`, the first `limit` of them where there is one.
    func replacing(_ old: Text, with new: Text, limit: Int? = nil) -> Text {
        var result: [UInt8] = []
        var rest = 0
        var left = limit ?? .max
        if old.isEmpty {
            for start in starts() where left > 0 {
                result += bytes[rest..<start] + new.bytes
                rest = start
                left -= 1
            }
            return Text(bytes: result + bytes[rest...])
        }
        while left > 0, let range = firstRange(of: old, from: rest) {
            result += bytes[rest..<range.lowerBound]
            result += new.bytes
            rest = range.upperBound
            left -= 1
        }
        return Text(bytes: result + bytes[rest...])
    }
}

extension Text: Comparable {
    /// By code points, which is the order of UTF-8 bytes.
    static func < (a: Text, b: Text) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }
}

extension Text: ExpressibleByStringLiteral {
    init(stringLiteral value: String) { self.init(value) }
}
