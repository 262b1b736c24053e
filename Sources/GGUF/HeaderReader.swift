import Tensors

/// Everything before the data of one file.
struct PartHeader {
    let file: ReadableFile
    let version: Int
    let metadata: GGUFMetadata
    let tensors: [TensorInfo]
    /// Bytes before the first tensor's data.
    let byteCount: Int
}

/// Reads and checks the header of one file.
struct HeaderReader {
    private let file: ReadableFile
    /// Which of the model's files this is, from 0.
    private let part: Int
    private var cursor: HeaderCursor

    /// The letters GGUF.
    static let magic: UInt32 = 0x4655_4747
    /// Length, type and a value of one byte: less cannot be a key.
    private static let smallestKeyByteCount = 8 + 1 + 4 + 1
    /// The format's limit.
    static let longestKey = 65535

    static func read(_ file: ReadableFile, part: Int) throws(GGUFError) -> PartHeader {
        var reader = HeaderReader(file: file, part: part, cursor: HeaderCursor(file: file))
        return try reader.read()
    }

    private mutating func read() throws(GGUFError) -> PartHeader {
        let version = try readVersion()
        let tensorCount = try cursor.integer(UInt64.self)
        let keyCount = try cursor.integer(UInt64.self)
        try cursor.requireRoom(
            for: tensorCount,
            of: TensorTableReader.smallestEntryByteCount,
            called: "tensors"
        )
        try cursor.requireRoom(for: keyCount, of: Self.smallestKeyByteCount, called: "keys")
        let metadata = try readMetadata(keyCount: keyCount)
        var table = TensorTableReader(
            file: file,
            part: part,
            alignment: try alignment(in: metadata),
            cursor: cursor
        )
        let (tensors, byteCount) = try table.read(count: Int(tensorCount))
        return PartHeader(
            file: file,
            version: version,
            metadata: metadata,
            tensors: tensors,
            byteCount: byteCount
        )
    }

    private mutating func readVersion() throws(GGUFError) -> Int {
        let magic = try cursor.integer(UInt32.self)
        guard magic == Self.magic else { throw cursor.error(.wrongMagic(magic), at: 0) }
        let version = try cursor.integer(UInt32.self)
        if version & 0xffff == 0, (1...3).contains(version.byteSwapped) {
            throw cursor.error(.bigEndian, at: 4)
        }
        guard (2...3).contains(version) else {
            throw cursor.error(.unsupportedVersion(version), at: 4)
        }
        return Int(version)
    }

    private mutating func readMetadata(keyCount: UInt64) throws(GGUFError) -> GGUFMetadata {
        var metadata = GGUFMetadata(path: file.path)
        for _ in 0..<keyCount {
            cursor.subject = .file
            let start = cursor.offset
            let key = try cursor.name(atMost: Self.longestKey)
            cursor.subject = .key(key)
            guard metadata[key] == nil else { throw cursor.error(.duplicate, at: start) }
            metadata[key] = try readValue()
        }
        cursor.subject = .file
        return metadata
    }

    private mutating func readType() throws(GGUFError) -> GGUFValueType {
        let start = cursor.offset
        let number = try cursor.integer(UInt32.self)
        guard let type = GGUFValueType(rawValue: number) else {
            throw cursor.error(.unknownValueType(number), at: start)
        }
        return type
    }

    private mutating func readValue() throws(GGUFError) -> GGUFValue {
        switch try readType() {
        case .uint8: .uint8(try cursor.integer())
        case .int8: .int8(try cursor.integer())
        case .uint16: .uint16(try cursor.integer())
        case .int16: .int16(try cursor.integer())
        case .uint32: .uint32(try cursor.integer())
        case .int32: .int32(try cursor.integer())
        case .uint64: .uint64(try cursor.integer())
        case .int64: .int64(try cursor.integer())
        case .float32: .float32(Float(bitPattern: try cursor.integer()))
        case .float64: .float64(Double(bitPattern: try cursor.integer()))
        case .bool: .bool(try readBools(1)[0])
        case .string: .string(try cursor.string())
        case .array: .array(try readArray())
        }
    }

    private mutating func readArray() throws(GGUFError) -> GGUFArray {
        let start = cursor.offset
        let type = try readType()
        let announced = try cursor.integer(UInt64.self)
        // The smallest element is a byte; each type checks its own size again.
        try cursor.requireRoom(for: announced, of: 1, called: "array elements")
        let count = Int(announced)
        switch type {
        case .uint8: return .uint8(try cursor.integers(count))
        case .int8: return .int8(try cursor.integers(count))
        case .uint16: return .uint16(try cursor.integers(count))
        case .int16: return .int16(try cursor.integers(count))
        case .uint32: return .uint32(try cursor.integers(count))
        case .int32: return .int32(try cursor.integers(count))
        case .uint64: return .uint64(try cursor.integers(count))
        case .int64: return .int64(try cursor.integers(count))
        case .float32:
            return .float32(
                try cursor.integers(count, as: UInt32.self).map { Float(bitPattern: $0) }
            )
        case .float64:
            return .float64(
                try cursor.integers(count, as: UInt64.self).map { Double(bitPattern: $0) }
            )
        case .bool: return .bool(try readBools(count))
        case .string: return .strings(try cursor.strings(count))
        case .array: throw cursor.error(.nestedArray, at: start)
        }
    }

    private mutating func readBools(_ count: Int) throws(GGUFError) -> [Bool] {
        let start = cursor.offset
        let bytes = try cursor.integers(count, as: UInt8.self)
        if let index = bytes.firstIndex(where: { $0 > 1 }) {
            throw cursor.error(.invalidBool(bytes[index]), at: start + index)
        }
        return bytes.map { $0 == 1 }
    }

    private func alignment(in metadata: GGUFMetadata) throws(GGUFError) -> Int {
        guard let value = metadata[GGUFKey.alignment] else { return GGUFFile.defaultAlignment }
        guard case .uint32(let alignment) = value else {
            throw metadata.mismatch(GGUFKey.alignment, value, "uint32")
        }
        guard GGUFFile.isValidAlignment(Int(alignment)) else {
            throw metadata.error(GGUFKey.alignment, .badAlignment(alignment))
        }
        return Int(alignment)
    }
}

/// Keys that this module itself reads and writes.
enum GGUFKey {
    static let alignment = "general.alignment"
    static let splitNumber = "split.no"
    static let splitCount = "split.count"
    static let splitTensorCount = "split.tensors.count"
}
