import Tensors

/// Reads the list of tensors that follows the metadata and checks where their data lies.
///
/// The format allows exactly one layout: each tensor starts where the one before ends, rounded up
/// to the alignment. Insisting on it rules out overlaps, gaps and wrapping sums at once.
struct TensorTableReader {
    let file: ReadableFile
    let part: Int
    let alignment: Int
    var cursor: HeaderCursor

    /// Name, dimension count, one dimension, type and offset: less cannot be a tensor.
    static let smallestEntryByteCount = 8 + 1 + 4 + 8 + 4 + 8
    /// The format's limit.
    static let longestName = 64

    /// An entry whose data offset is still relative to the data section.
    private struct Entry {
        let name: String
        let type: ElementType
        let dimensions: [Int]
        let byteCount: Int
        let offset: UInt64
        /// Where in the file the entry is, for errors.
        let position: Int
    }

    /// The tensors, and the bytes before the first one's data.
    mutating func read(
        count: Int
    ) throws(GGUFError) -> (tensors: [TensorInfo], headerByteCount: Int) {
        try cursor.requireRoom(
            for: UInt64(count),
            of: Self.smallestEntryByteCount,
            called: "tensors"
        )
        var entries: [Entry] = []
        entries.reserveCapacity(count)
        var names: Set<String> = []
        for _ in 0..<count {
            let entry = try readEntry()
            guard names.insert(entry.name).inserted else {
                throw error(entry, .duplicate)
            }
            entries.append(entry)
        }
        return try place(entries)
    }

    private mutating func readEntry() throws(GGUFError) -> Entry {
        cursor.subject = .file
        let position = cursor.offset
        let name = try cursor.name(atMost: Self.longestName)
        cursor.subject = .tensor(name)
        let dimensions = try readDimensions()
        let type = try readElementType()
        let byteCount: Int
        do {
            byteCount = try TensorInfo.checkedByteCount(of: type, dimensions: dimensions)
        } catch {
            throw cursor.error(error, at: position)
        }
        return Entry(
            name: name,
            type: type,
            dimensions: dimensions,
            byteCount: byteCount,
            offset: try cursor.integer(),
            position: position
        )
    }

    private mutating func readDimensions() throws(GGUFError) -> [Int] {
        let start = cursor.offset
        let count = try cursor.integer(UInt32.self)
        guard (1...4).contains(count) else {
            throw cursor.error(.badDimensionCount(count), at: start)
        }
        var dimensions: [Int] = []
        for index in 0..<Int(count) {
            let start = cursor.offset
            let value = try cursor.integer(UInt64.self)
            guard value > 0, let dimension = Int(exactly: value) else {
                throw cursor.error(.badDimension(index: index, value: value), at: start)
            }
            dimensions.append(dimension)
        }
        return dimensions
    }

    private mutating func readElementType() throws(GGUFError) -> ElementType {
        let start = cursor.offset
        let number = try cursor.integer(UInt32.self)
        if let type = ElementType(rawValue: number) { return type }
        if let name = Self.removedTypes[number] {
            throw cursor.error(.removedElementType(name), at: start)
        }
        throw cursor.error(.unknownElementType(number), at: start)
    }

    /// Numbers that once had a meaning.
    private static let removedTypes: [UInt32: String] = [
        4: "Q4_2", 5: "Q4_3",
        31: "Q4_0_4_4", 32: "Q4_0_4_8", 33: "Q4_0_8_8",
        36: "IQ4_NL_4_4", 37: "IQ4_NL_4_8", 38: "IQ4_NL_8_8",
    ]

    /// Checks every entry's offset against the running sum and makes it relative to the file.
    private func place(
        _ entries: [Entry]
    ) throws(GGUFError) -> (tensors: [TensorInfo], headerByteCount: Int) {
        // The cursor's limit keeps this sum far from overflowing.
        let dataStart = GGUFFile.roundUp(cursor.offset, to: alignment)
        var tensors: [TensorInfo] = []
        tensors.reserveCapacity(entries.count)
        var expected = 0
        for entry in entries {
            try checkOffset(of: entry, expected: expected)
            let (end, overflow) = (dataStart + expected).addingReportingOverflow(entry.byteCount)
            guard !overflow else { throw error(entry, .tooManyValues) }
            guard end <= file.byteCount else {
                throw error(entry, .outsideFile(end: end, byteCount: file.byteCount))
            }
            tensors.append(
                TensorInfo(
                    name: entry.name,
                    type: entry.type,
                    dimensions: entry.dimensions,
                    part: part,
                    fileOffset: dataStart + expected,
                    byteCount: entry.byteCount
                )
            )
            // `end` lies inside the file, so neither can this sum overflow.
            expected = GGUFFile.roundUp(end - dataStart, to: alignment)
        }
        return (tensors, entries.isEmpty ? cursor.offset : dataStart)
    }

    private func checkOffset(of entry: Entry, expected: Int) throws(GGUFError) {
        let offset = entry.offset
        guard offset % UInt64(alignment) == 0 else {
            throw error(entry, .unaligned(offset: offset, alignment: alignment))
        }
        guard offset >= UInt64(expected) else {
            throw error(entry, .overlapping(offset: offset, expected: expected))
        }
        guard offset == UInt64(expected) else {
            throw error(entry, .gap(offset: offset, expected: expected))
        }
    }

    private func error(_ entry: Entry, _ problem: GGUFError.Problem) -> GGUFError {
        GGUFError(
            path: file.path,
            subject: .tensor(entry.name),
            offset: entry.position,
            problem: problem
        )
    }
}
