import Tensors

/// Finds and reads the headers of all files of a model.
enum SplitReader {
    /// The headers of all parts, given the path of the only file or the first of several.
    static func readHeaders(firstPath: String) throws(GGUFError) -> [PartHeader] {
        let first = try readHeader(path: firstPath, part: 0)
        let count = try first.metadata.uintIfPresent(GGUFKey.splitCount) ?? 1
        let number = try first.metadata.uintIfPresent(GGUFKey.splitNumber) ?? 0
        let name = SplitName(path: firstPath)
        guard number == 0 else {
            let path = name?.path(ofPart: 1) ?? "the one that ends in \(SplitName.anyFirst)"
            throw first.metadata.error(
                GGUFKey.splitNumber,
                .notFirstPart(number: number &+ 1, first: path)
            )
        }
        guard count > 1 else { return [first] }
        guard let name, name.number == 1, name.count == count else {
            throw first.metadata.error(GGUFKey.splitCount, .badPartName(partCount: count))
        }
        return try readOthers(name: name, first: first)
    }

    private static func readOthers(
        name: SplitName,
        first: PartHeader
    ) throws(GGUFError) -> [PartHeader] {
        let announced = try first.metadata.uint(GGUFKey.splitTensorCount)
        var headers = [first]
        for part in 1..<name.count {
            let header = try readOther(path: name.path(ofPart: part + 1), part: part, of: name)
            let metadata = header.metadata
            try check(metadata, GGUFKey.splitNumber, expected: part)
            try check(metadata, GGUFKey.splitCount, expected: name.count)
            try check(metadata, GGUFKey.splitTensorCount, expected: announced)
            headers.append(header)
        }
        let found = headers.reduce(0) { $0 + $1.tensors.count }
        guard found == announced else {
            throw first.metadata.error(
                GGUFKey.splitTensorCount,
                .partMismatch(what: "the tensors of all parts", found: found, expected: announced)
            )
        }
        return headers
    }

    private static func readOther(
        path: String,
        part: Int,
        of name: SplitName
    ) throws(GGUFError) -> PartHeader {
        do {
            return try readHeader(path: path, part: part)
        } catch {
            guard case .file(let reason) = error.problem else { throw error }
            throw GGUFError(
                path: name.path(ofPart: 1),
                problem: .missingPart(number: part + 1, of: name.count, reason: reason)
            )
        }
    }

    private static func readHeader(path: String, part: Int) throws(GGUFError) -> PartHeader {
        let file: ReadableFile
        do {
            file = try ReadableFile(path: path)
        } catch {
            throw GGUFError(path: path, problem: .file(error))
        }
        return try HeaderReader.read(file, part: part)
    }

    private static func check(
        _ metadata: GGUFMetadata,
        _ key: String,
        expected: Int
    ) throws(GGUFError) {
        let found = try metadata.uint(key)
        guard found == expected else {
            throw metadata.error(key, .partMismatch(what: key, found: found, expected: expected))
        }
    }
}
