import CZeroMQ
import Glibc

/// The public half of a CurveZMQ key pair: what others know somebody by.
public struct PublicKey: Hashable, Sendable {
    public static let byteCount = 32

    public let bytes: [UInt8]

    /// Nil where it is not 32 bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }
}

extension PublicKey {
    /// Those whose secret halves ZeroMQ's manual shows.
    private static let printed: Set<PublicKey> = Set(
        [
            "54fcba24e93249969316fb617c872bb0c1d1ff14800427c594cbfacf1bc2d652",
            "bb88471d65e2659b30c55a5321cebb5aab2b70a398645c26dca2b2fcb43fc518",
        ].compactMap { PublicKey($0) }
    )

    /// Whether everybody may have the secret half.
    var isPrinted: Bool { Self.printed.contains(self) }
}

extension PublicKey: LosslessStringConvertible {
    /// Reads 64 hexadecimal digits.
    public init?(_ text: String) {
        guard let bytes = [UInt8](hexadecimal: text) else { return nil }
        self.init(bytes: bytes)
    }

    public var description: String { bytes.hexadecimal }
}

/// Both halves of a CurveZMQ key pair; never shows the secret one.
public struct KeyPair: Sendable {
    public let publicKey: PublicKey
    let secret: [UInt8]

    /// Makes a new pair from the system's random numbers.
    public init() throws(MessagingError) {
        // The library writes 40 characters of its own alphabet, and an end.
        var publicText = [CChar](repeating: 0, count: 41)
        var secretText = publicText
        guard unsafe zmq_curve_keypair(&publicText, &secretText) == 0 else {
            throw lastFailure("zmq_curve_keypair")
        }
        guard let publicKey = PublicKey(bytes: Self.bytes(publicText)) else {
            throw .failed(operation: "zmq_curve_keypair", reason: "it made no key")
        }
        self.publicKey = publicKey
        secret = Self.bytes(secretText)
    }

    /// The pair that a secret half belongs to.
    public init(secret: [UInt8]) throws(MessagingError) {
        guard secret.count == PublicKey.byteCount else {
            throw .failed(operation: "reading a key", reason: "it has \(secret.count) bytes")
        }
        var secretText = [CChar](repeating: 0, count: 41)
        var publicText = secretText
        guard unsafe zmq_z85_encode(&secretText, secret, secret.count) != nil,
            unsafe zmq_curve_public(&publicText, secretText) == 0,
            let publicKey = PublicKey(bytes: Self.bytes(publicText))
        else { throw lastFailure("zmq_curve_public") }
        self.publicKey = publicKey
        self.secret = secret
    }

    /// What 40 characters of the library's alphabet stand for.
    private static func bytes(_ text: [CChar]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: PublicKey.byteCount)
        guard unsafe zmq_z85_decode(&bytes, text) != nil else { return [] }
        return bytes
    }
}

extension KeyPair: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "key pair \(publicKey)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["publicKey": publicKey]) }
}

extension [UInt8] {
    /// Two digits for each byte.
    var hexadecimal: String {
        reduce(into: "") { text, byte in
            text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
    }

    /// Reads two digits for each byte; nil where there is anything else.
    init?(hexadecimal text: String) {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for place in stride(from: 0, to: digits.count, by: 2) {
            let pair = String(decoding: digits[place..<place + 2], as: UTF8.self)
            guard pair.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
                let byte = UInt8(pair, radix: 16)
            else { return nil }
            bytes.append(byte)
        }
        self = bytes
    }
}
