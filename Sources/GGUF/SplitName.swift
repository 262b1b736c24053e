/// The names of a model's parts: `NAME-00002-of-00005.gguf`.
struct SplitName: Equatable {
    let prefix: String
    /// From 1.
    let number: Int
    let count: Int

    /// How the first part's name ends, with the number of parts left open.
    static let anyFirst = "-00001-of-NNNNN.gguf"

    /// Nil where `path` is not named like a part.
    init?(path: String) {
        // "-00002-of-00005.gguf" is ASCII of a fixed length.
        let bytes = Array(path.utf8)
        let suffixLength = Self.suffix(number: 1, of: 1).utf8.count
        guard bytes.count >= suffixLength else { return nil }
        let suffix = String(decoding: bytes.suffix(suffixLength), as: UTF8.self)
        let fields = suffix.split(separator: "-")
        guard
            fields.count == 3,
            let number = Int(fields[0]),
            let count = Int(fields[2].prefix(5)),
            Self.suffix(number: number, of: count) == suffix
        else { return nil }
        prefix = String(decoding: bytes.dropLast(suffixLength), as: UTF8.self)
        self.number = number
        self.count = count
    }

    /// The path of another part of the same model.
    func path(ofPart number: Int) -> String { prefix + Self.suffix(number: number, of: count) }

    static func suffix(number: Int, of count: Int) -> String {
        "-\(fiveDigits(number))-of-\(fiveDigits(count)).gguf"
    }

    private static func fiveDigits(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }
}
