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

    public var description: String { Self.hexadecimal(bytes.prefix(8)) }

    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self
        )
    }
}
