/// Takes little-endian numbers from bytes, one after the other.
struct LittleEndianReader {
    let bytes: [UInt8]
    /// Where the next number begins.
    private(set) var offset: Int
    /// Where the last one must have ended.
    let end: Int

    /// - Parameter end: where reading stops; at the last byte, unless it is said.
    init(_ bytes: [UInt8], from offset: Int = 0, to end: Int? = nil) {
        self.bytes = bytes
        self.offset = offset
        self.end = max(offset, end ?? bytes.count)
    }

    /// Bytes that are left.
    var remaining: Int { end - offset }

    /// An unsigned number of so many bytes, 8 at most; nil where fewer are left.
    mutating func number(_ byteCount: Int) -> UInt64? {
        guard remaining >= byteCount else { return nil }
        var value: UInt64 = 0
        for index in 0..<byteCount { value |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
        offset += byteCount
        return value
    }

    /// So many bytes as they are; nil where fewer are left.
    mutating func take(_ byteCount: Int) -> [UInt8]? {
        guard byteCount >= 0, remaining >= byteCount else { return nil }
        defer { offset += byteCount }
        return Array(bytes[offset..<offset + byteCount])
    }
}

extension [UInt8] {
    /// Appends a number's bytes, the lowest first.
    mutating func append<Number: FixedWidthInteger & UnsignedInteger>(littleEndian number: Number) {
        for shift in stride(from: 0, to: Number.bitWidth, by: UInt8.bitWidth) {
            append(UInt8(truncatingIfNeeded: number >> Number(shift)))
        }
    }
}
