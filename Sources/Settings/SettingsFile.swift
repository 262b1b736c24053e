import Configuration
import Foundation
import Synchronization

/// One settings file: its values by key, and the keys it has.
struct SettingsFile: Sendable {
    /// Many times what a commented file with every key takes.
    static let mostBytes = 64 << 10

    let path: String
    let keys: [String]
    let snapshot: any ConfigSnapshot

    /// The file at `path`; nil where it does not exist.
    init?(path: String) throws(SettingsError) {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        try self.init(path: path, text: Self.read(path))
    }

    /// Parses YAML: maps of maps down to plain values or lists of plain values.
    init(path: String, text: String) throws(SettingsError) {
        let lines = text.split(whereSeparator: \.isNewline).map(Self.withoutComment)
        guard !lines.contains(where: Self.refersToAnAnchor) else {
            // Aliases let a small file stand for an enormous one.
            throw .malformedFile(path: path, reason: "anchors and aliases (&, *) are not allowed")
        }
        self.path = path
        let hasContent = lines.contains { $0 != "---" && !$0.allSatisfy(\.isWhitespace) }
        guard hasContent else {
            keys = []
            snapshot = InMemoryProvider(values: [:]).snapshot()
            return
        }
        (keys, snapshot) = try Self.parse(text, path: path)
    }

    /// The words that follow a section's in keys, each once, sorted.
    func names(in section: String) -> [String] {
        let paths = keys.map(SettingKey.components).filter { $0.first == section }
        return Set(paths.compactMap { $0.dropFirst().first }).sorted()
    }

    /// - Throws: `SettingsError.unknownKey` for the first key that nobody knows.
    func refuseOthers(than known: [String]) throws(SettingsError) {
        for key in keys where !known.contains(key) {
            let nearest = SettingKey.nearest(to: key, among: known)
            throw .unknownKey(key, origin: .file(path: path), nearest: nearest)
        }
    }

    private static func read(_ path: String) throws(SettingsError) -> String {
        let bytes: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(filePath: path))
            bytes = try handle.read(upToCount: mostBytes + 1) ?? Data()
            try handle.close()
        } catch {
            throw .unreadableFile(path: path, reason: error.localizedDescription)
        }
        guard bytes.count <= mostBytes else {
            throw .malformedFile(path: path, reason: "it is longer than \(mostBytes) bytes")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .malformedFile(path: path, reason: "it is not UTF-8 text")
        }
        return text
    }

    /// swift-configuration tells nobody which keys a file has, except the rule that says which of
    /// them are secret: it is asked about each one once.
    private static func parse(
        _ text: String,
        path: String
    ) throws(SettingsError) -> ([String], any ConfigSnapshot) {
        let seen = KeyList()
        let options = YAMLSnapshot.ParsingOptions(
            secretsSpecifier: .dynamic { key, _ in
                seen.append(key)
                return false
            }
        )
        let snapshot: YAMLSnapshot
        do {
            snapshot = try YAMLSnapshot(
                data: Data(text.utf8).bytes,
                providerName: path,
                parsingOptions: options
            )
        } catch {
            throw .malformedFile(path: path, reason: "\(error)")
        }
        let keys = seen.all.sorted()
        if let twice = zip(keys, keys.dropFirst()).first(where: { $0 == $1 }) {
            throw .malformedFile(path: path, reason: "\(twice.0) is given twice")
        }
        return (keys, snapshot)
    }

    /// A `#` starts a comment at the start of a line or after a space.
    private static func withoutComment(_ line: Substring) -> Substring {
        if line.first == "#" { return "" }
        guard let mark = line.firstRange(of: " #") else { return line }
        return line[..<mark.lowerBound]
    }

    private static func refersToAnAnchor(_ line: Substring) -> Bool {
        var previous: Character = " "
        for character in line {
            let startsAWord = previous.isWhitespace || "[{,:".contains(previous)
            if startsAWord, character == "*" || character == "&" { return true }
            previous = character
        }
        return false
    }
}

/// The keys a parser meets, collected through a `Sendable` closure.
private final class KeyList: Sendable {
    private let keys = Mutex<[String]>([])

    var all: [String] { keys.withLock { $0 } }

    func append(_ key: String) {
        keys.withLock { $0.append(key) }
    }
}
