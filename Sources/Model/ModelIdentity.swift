/// What tells one model file from another without reading its weights.
///
/// The size of all parts and a SHA-256 of their headers: metadata and tensor tables.
public struct ModelIdentity: Hashable, Sendable, CustomStringConvertible {
    public let fileByteCount: UInt64
    /// 32 bytes.
    public let headerDigest: [UInt8]

    public init(fileByteCount: UInt64, headerDigest: [UInt8]) {
        precondition(headerDigest.count == 32, "a SHA-256 has 32 bytes, not \(headerDigest.count)")
        self.fileByteCount = fileByteCount
        self.headerDigest = headerDigest
    }

    /// Size and the first bytes of the digest, enough for people to compare.
    public var description: String {
        "\(fileByteCount) bytes, header \(ExpertDigest.hexadecimal(headerDigest.prefix(8)))"
    }
}

/// SHA-256 of an expert's weights as the file holds them: gate, then up, then down.
public struct ExpertDigest: Hashable, Sendable, CustomStringConvertible {
    public static let byteCount = 32

    public let bytes: [UInt8]

    public init(bytes: [UInt8]) {
        precondition(bytes.count == Self.byteCount, "a digest has 32 bytes, not \(bytes.count)")
        self.bytes = bytes
    }

    /// A digest from its 64 digits; nil for any other text.
    public init?(hexadecimal text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 2 * Self.byteCount else { return nil }
        var bytes: [UInt8] = []
        for place in stride(from: 0, to: digits.count, by: 2) {
            guard let high = Self.value(of: digits[place]),
                let low = Self.value(of: digits[place + 1])
            else { return nil }
            bytes.append(high << 4 | low)
        }
        self.bytes = bytes
    }

    /// All 64 digits, in small letters.
    public var hexadecimal: String { Self.hexadecimal(bytes) }

    /// The first 16 digits, enough for people to compare.
    public var description: String { Self.hexadecimal(bytes.prefix(8)) }

    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self
        )
    }
}
