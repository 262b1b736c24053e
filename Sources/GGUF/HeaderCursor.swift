import Tensors

/// Reads a file's header front to back through one buffer.
///
/// Every read is bounded by the file and by `limit`, so no length or count found in the file can
/// make us allocate more than the file itself proves.
struct HeaderCursor {
    /// Where errors are said to be.
    var subject = GGUFError.Subject.file
    private let file: ReadableFile
    /// Bytes of the file that may belong to the header.
    private let end: Int
    /// The bytes of the file from `bufferStart` on.
    private var buffer: [UInt8] = []
    private var bufferStart = 0
    private var position = 0

    /// Headers reach tens of megabytes (vocabulary and merges); more is a mistake or an attack.
    static let limit = 1 << 29
    private static let bufferByteCount = 1 << 18

    init(file: ReadableFile) {
        self.file = file
        end = min(file.byteCount, Self.limit)
    }

    /// Bytes read so far.
    var offset: Int { bufferStart + position }

    var remaining: Int { end - offset }

    /// A little-endian integer.
    mutating func integer<Integer: FixedWidthInteger>(
        _ type: Integer.Type = Integer.self
    ) throws(GGUFError) -> Integer {
        let size = MemoryLayout<Integer>.size
        try require(UInt64(size))
        try buffer(atLeast: size)
        let value: Integer = load(at: position)
        position += size
        return value
    }

    /// `count` little-endian integers.
    mutating func integers<Integer: FixedWidthInteger>(
        _ count: Int,
        as type: Integer.Type = Integer.self
    ) throws(GGUFError) -> [Integer] {
        let size = MemoryLayout<Integer>.size
        try requireRoom(for: UInt64(count), of: size, called: "array elements")
        var values: [Integer] = []
        values.reserveCapacity(count)
        while values.count < count {
            try buffer(atLeast: size)
            let whole = min(count - values.count, (buffer.count - position) / size)
            for index in 0..<whole {
                values.append(load(at: position + index * size))
            }
            position += whole * size
        }
        return values
    }

    /// The bytes of a string whose length comes first.
    mutating func string() throws(GGUFError) -> [UInt8] {
        let length = try integer(UInt64.self)
        try require(length)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(length))
        try forEachPiece(of: Int(length)) { bytes.append(contentsOf: $0) }
        return bytes
    }

    /// `count` strings, each with its length first.
    mutating func strings(_ count: Int) throws(GGUFError) -> GGUFStrings {
        try requireRoom(for: UInt64(count), of: 8, called: "strings")
        var strings = GGUFStrings()
        strings.reserveCapacity(count)
        for _ in 0..<count {
            let length = try integer(UInt64.self)
            try require(length)
            try forEachPiece(of: Int(length)) { strings.extendString(with: $0) }
            strings.endString()
        }
        return strings
    }

    /// The name of a key or tensor: text of 1 to `limit` bytes.
    mutating func name(atMost limit: Int) throws(GGUFError) -> String {
        let start = offset
        let length = try integer(UInt64.self)
        guard length > 0 else { throw error(.emptyName, at: start) }
        guard length <= UInt64(limit) else {
            throw error(.nameTooLong(byteCount: length, limit: limit), at: start)
        }
        try require(length)
        var bytes: [UInt8] = []
        try forEachPiece(of: Int(length)) { bytes.append(contentsOf: $0) }
        guard !bytes.contains(0), let name = String(validating: bytes, as: UTF8.self) else {
            throw error(.nameNotText, at: start)
        }
        return name
    }

    /// Refuses a count whose elements, of at least `size` bytes each, the file has no room for.
    func requireRoom(
        for count: UInt64,
        of size: Int,
        called noun: String
    ) throws(GGUFError) {
        guard count <= UInt64(remaining / size) else {
            if end < file.byteCount { throw error(.headerTooLong(limit: Self.limit)) }
            throw error(.impossibleCount(count, of: noun, remaining: remaining))
        }
    }

    func error(_ problem: GGUFError.Problem, at offset: Int? = nil) -> GGUFError {
        GGUFError(
            path: file.path,
            subject: subject,
            offset: offset ?? self.offset,
            problem: problem
        )
    }

    private func require(_ count: UInt64) throws(GGUFError) {
        guard count <= UInt64(remaining) else {
            if end < file.byteCount { throw error(.headerTooLong(limit: Self.limit)) }
            throw error(.truncated(needed: count, remaining: remaining))
        }
    }

    /// Advances over `count` bytes, which the caller has checked to be there.
    private mutating func forEachPiece(
        of count: Int,
        _ body: (ArraySlice<UInt8>) -> Void
    ) throws(GGUFError) {
        var left = count
        while left > 0 {
            try buffer(atLeast: 1)
            let length = min(left, buffer.count - position)
            body(buffer[position..<position + length])
            position += length
            left -= length
        }
    }

    /// Makes `count` bytes from here on available, which the caller has checked to be there.
    private mutating func buffer(atLeast count: Int) throws(GGUFError) {
        guard buffer.count - position < count else { return }
        let start = offset
        let length = min(Self.bufferByteCount, end - start)
        if buffer.count != length { buffer = Array(repeating: 0, count: length) }
        do {
            try file.read(at: start, into: &buffer)
        } catch {
            throw self.error(.file(error))
        }
        bufferStart = start
        position = 0
    }

    private func load<Integer: FixedWidthInteger>(at index: Int) -> Integer {
        var value: Integer = 0
        for byte in 0..<MemoryLayout<Integer>.size {
            value |= Integer(truncatingIfNeeded: buffer[index + byte]) << (8 * byte)
        }
        return value
    }
}
