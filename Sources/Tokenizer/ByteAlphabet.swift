/// The printable characters in which byte-level vocabularies spell bytes, as GPT-2 chose them.
///
/// Bytes that Latin-1 can print stand for themselves; the other 68 take the characters from
/// U+0100 on, so that a space is "Ġ".
package enum ByteAlphabet {
    /// By byte.
    package static let characters: [Unicode.Scalar] = {
        var next: UInt8 = 0
        return (0...UInt8.max).map { byte in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF:
                return Unicode.Scalar(byte)
            default:
                // 68 characters from U+0100: Latin Extended-A, far from any surrogate.
                let character = Unicode.Scalar(0x100 + UInt16(next))
                next += 1
                return character ?? Unicode.Scalar(byte)
            }
        }
    }()

    private static let bytes: [Unicode.Scalar: UInt8] = {
        var bytes: [Unicode.Scalar: UInt8] = [:]
        for (byte, character) in zip(0...UInt8.max, characters) {
            bytes[character] = byte
        }
        return bytes
    }()

    /// The bytes that a token's text spells, or nil if it has characters of no byte.
    static func bytes(of text: [UInt8]) -> [UInt8]? {
        var spelled: [UInt8] = []
        spelled.reserveCapacity(text.count)
        for character in String(decoding: text, as: UTF8.self).unicodeScalars {
            guard let byte = bytes[character] else { return nil }
            spelled.append(byte)
        }
        return spelled
    }

    /// How a vocabulary spells one byte.
    static func text(of byte: UInt8) -> [UInt8] {
        Array(String(Character(characters[Int(byte)])).utf8)
    }
}
