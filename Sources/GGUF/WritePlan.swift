import Tensors

/// The header of a file to be written, and how much data follows, checked before anything is.
struct WritePlan {
    let header: [UInt8]
    let alignment: Int
    /// Of each tensor.
    let byteCounts: [Int]

    private static let version: UInt32 = 3

    init(
        path: String,
        metadata: GGUFMetadata,
        tensors: [GGUFWriter.Tensor]
    ) throws(GGUFError) {
        alignment = try Self.alignment(in: metadata, path: path)
        byteCounts = try Self.checkedByteCounts(of: tensors, path: path)
        var encoder = HeaderEncoder()
        encoder.append(HeaderReader.magic)
        encoder.append(Self.version)
        encoder.append(UInt64(tensors.count))
        encoder.append(UInt64(metadata.count))
        for (key, value) in metadata.entries {
            try Self.checkName(key, .key(key), HeaderReader.longestKey, path: path)
            encoder.append(text: key)
            encoder.append(value)
        }
        var offset = 0
        for (tensor, byteCount) in zip(tensors, byteCounts) {
            encoder.append(tensor, offset: offset)
            offset = GGUFFile.roundUp(offset + byteCount, to: alignment)
        }
        header = encoder.bytes
    }

    private static func alignment(
        in metadata: GGUFMetadata,
        path: String
    ) throws(GGUFError) -> Int {
        let key = GGUFKey.alignment
        guard let value = metadata[key] else { return GGUFFile.defaultAlignment }
        guard case .uint32(let alignment) = value else {
            let problem = GGUFError.Problem.wrongType(
                found: value.typeDescription,
                expected: "uint32"
            )
            throw GGUFError(path: path, subject: .key(key), problem: problem)
        }
        guard GGUFFile.isValidAlignment(Int(alignment)) else {
            throw GGUFError(
                path: path,
                subject: .key(key),
                problem: .badAlignment(alignment)
            )
        }
        return Int(alignment)
    }

    private static func checkedByteCounts(
        of tensors: [GGUFWriter.Tensor],
        path: String
    ) throws(GGUFError) -> [Int] {
        var byteCounts: [Int] = []
        var names: Set<String> = []
        var sum = 0
        for tensor in tensors {
            let subject = GGUFError.Subject.tensor(tensor.name)
            try checkName(tensor.name, subject, TensorTableReader.longestName, path: path)
            let byteCount: Int
            do throws(GGUFError.Problem) {
                guard names.insert(tensor.name).inserted else {
                    throw .duplicate
                }
                byteCount = try TensorInfo.checkedByteCount(
                    of: tensor.type,
                    dimensions: tensor.dimensions
                )
                // Leaves room for the header and all padding.
                let (total, overflow) = sum.addingReportingOverflow(byteCount)
                guard !overflow, total < 1 << 62 else { throw .tooManyValues }
                sum = total
            } catch {
                throw GGUFError(path: path, subject: subject, problem: error)
            }
            byteCounts.append(byteCount)
        }
        return byteCounts
    }

    private static func checkName(
        _ name: String,
        _ subject: GGUFError.Subject,
        _ limit: Int,
        path: String
    ) throws(GGUFError) {
        let bytes = name.utf8
        let problem: GGUFError.Problem
        if bytes.isEmpty {
            problem = .emptyName
        } else if bytes.count > limit {
            problem = .nameTooLong(byteCount: UInt64(bytes.count), limit: limit)
        } else if bytes.contains(0) {
            problem = .nameNotText
        } else {
            return
        }
        throw GGUFError(path: path, subject: subject, problem: problem)
    }
}
