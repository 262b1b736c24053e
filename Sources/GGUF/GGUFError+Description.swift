import Tensors

extension GGUFError: CustomStringConvertible {
    public var description: String {
        if case .file(let error) = problem { return error.description }
        var place = path
        if let offset { place += " at byte \(offset)" }
        switch subject {
        case .file: break
        case .key(let key): place += ", key '\(key)'"
        case .tensor(let name): place += ", tensor '\(name)'"
        }
        return "\(place): \(problem)"
    }
}

extension GGUFError.Problem: CustomStringConvertible {
    public var description: String {
        wholeFileText ?? metadataText ?? tensorText ?? partText ?? writingText ?? "unreadable"
    }

    private var wholeFileText: String? {
        switch self {
        case .file(let error):
            error.description
        case .wrongMagic(let magic):
            "not a GGUF file: it starts with \(String(magic.byteSwapped, radix: 16)) in hexadecimal"
        case .bigEndian:
            "big-endian GGUF is not supported; convert the model to little-endian"
        case .unsupportedVersion(let version):
            "GGUF version \(version) is not supported, only 2 and 3; convert the model again"
        case .truncated(let needed, let remaining):
            """
            needs \(needed) bytes where \(remaining) remain: the file is damaged or incomplete, \
            fetch it again
            """
        case .headerTooLong(let limit):
            "the header is longer than \(limit) bytes, which no model needs"
        case .impossibleCount(let count, let noun, let remaining):
            """
            announces \(count) \(noun), for which the remaining \(remaining) bytes have no room: \
            the file is damaged
            """
        default: nil
        }
    }

    private var metadataText: String? {
        switch self {
        case .emptyName: "an empty name"
        case .nameTooLong(let byteCount, let limit):
            "a name of \(byteCount) bytes; at most \(limit) are allowed"
        case .nameNotText: "a name that is not UTF-8 text"
        case .duplicate: "occurs twice"
        case .unknownValueType(let number): "value type \(number) is unknown"
        case .nestedArray: "an array of arrays is not supported"
        case .invalidBool(let value): "a truth value is \(value) instead of 0 or 1"
        case .missing: "is missing"
        case .wrongType(let found, let expected): "is \(found), expected \(expected)"
        case .outOfRange(let value, let expected): "is \(value), expected \(expected)"
        case .notFinite(let value): "is \(value), expected a finite number"
        case .notText: "is not UTF-8 text"
        case .badAlignment(let value):
            "alignment is \(value), expected a power of two from 1 to \(GGUFFile.maximumAlignment)"
        default: nil
        }
    }

    private var tensorText: String? {
        switch self {
        case .badDimensionCount(let count): "has \(count) dimensions, expected 1 to 4"
        case .badDimension(let index, let value): "dimension \(index) is \(value)"
        case .tooManyValues: "is larger than any memory"
        case .unknownElementType(let number): "element type \(number) is unknown"
        case .removedElementType(let name):
            "element type \(name) was removed from the format; convert the model again"
        case .unevenRow(let columns, let type):
            "a row of \(columns) is no whole number of \(type.name) blocks of \(type.blockLength)"
        case .unaligned(let offset, let alignment):
            "data offset \(offset) is no multiple of the alignment \(alignment)"
        case .overlapping(let offset, let expected):
            "data offset \(offset) overlaps the tensor before, which ends at \(expected)"
        case .gap(let offset, let expected):
            "data offset \(offset) leaves a gap, expected \(expected)"
        case .outsideFile(let end, let byteCount):
            """
            its data ends at byte \(end) of a file of \(byteCount): the file is incomplete, \
            fetch it again
            """
        case .outsideTensor(let from, let count, let byteCount):
            "cannot read \(count) bytes from byte \(from): the tensor has \(byteCount)"
        default: nil
        }
    }

    private var partText: String? {
        switch self {
        case .notFirstPart(let number, let first):
            "is part \(number) of a model in several files; give the first part, \(first)"
        case .badPartName(let partCount):
            """
            is the first of \(partCount) parts, which are found by their names; \
            call it NAME\(SplitName.suffix(number: 1, of: partCount))
            """
        case .missingPart(let number, let count, let reason):
            "part \(number) of \(count) is needed: \(reason)"
        case .partMismatch(let what, let found, let expected):
            "\(what) is \(found), expected \(expected): the parts do not belong together"
        default: nil
        }
    }

    private var writingText: String? {
        switch self {
        case .wrongDataSize(let written, let expected):
            "received \(written) bytes of data, expected \(expected)"
        case .dataUnavailable(let reason):
            "its data is not available: \(reason)"
        default: nil
        }
    }
}
