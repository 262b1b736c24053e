public import Tensors

/// What is wrong with a model file, where in it, and what to do.
public struct GGUFError: Error, Equatable, Sendable {
    /// What the problem is about.
    public enum Subject: Equatable, Sendable {
        case file
        case key(String)
        case tensor(String)
    }

    public let path: String
    public let subject: Subject
    /// Where in the file the offending bytes start, where that is known.
    public let offset: Int?
    public let problem: Problem

    public init(path: String, subject: Subject = .file, offset: Int? = nil, problem: Problem) {
        self.path = path
        self.subject = subject
        self.offset = offset
        self.problem = problem
    }

    /// Whether it is the machine that has too little memory, and not the file that is at fault.
    public var isShortage: Bool {
        if case .file(.tooLittleMemory) = problem { true } else { false }
    }

    public enum Problem: Error, Equatable, Sendable {
        /// The operating system refused to open, read or write.
        case file(FileError)

        // The file as a whole.
        /// What stands where the letters GGUF should, as a little-endian number.
        case wrongMagic(UInt32)
        case bigEndian
        case unsupportedVersion(UInt32)
        case truncated(needed: UInt64, remaining: Int)
        case headerTooLong(limit: Int)
        /// More keys, tensors or elements than the rest of the file has room for.
        case impossibleCount(UInt64, of: String, remaining: Int)

        // Names and metadata.
        case emptyName
        case nameTooLong(byteCount: UInt64, limit: Int)
        case nameNotText
        case duplicate
        case unknownValueType(UInt32)
        case nestedArray
        case invalidBool(UInt8)
        case missing
        case wrongType(found: String, expected: String)
        case outOfRange(value: String, expected: String)
        case notFinite(String)
        case notText
        case badAlignment(UInt32)

        // Tensors.
        case badDimensionCount(UInt32)
        case badDimension(index: Int, value: UInt64)
        case tooManyValues
        case unknownElementType(UInt32)
        case removedElementType(String)
        case unevenRow(columns: Int, type: ElementType)
        case unaligned(offset: UInt64, alignment: Int)
        case overlapping(offset: UInt64, expected: Int)
        case gap(offset: UInt64, expected: Int)
        case outsideFile(end: Int, byteCount: Int)
        /// A caller asked for bytes that the tensor does not have.
        case outsideTensor(from: Int, count: Int, byteCount: Int)

        // Models in several files.
        case notFirstPart(number: Int, first: String)
        case badPartName(partCount: Int)
        case missingPart(number: Int, of: Int, reason: FileError)
        case partMismatch(what: String, found: Int, expected: Int)

        // Writing.
        case wrongDataSize(written: Int, expected: Int)
        /// Whoever was to deliver a tensor's data could not.
        case dataUnavailable(String)
    }
}
