import Logging
import Messaging
import Synchronization

/// The file with the keys of those who may use the API, as it is now.
///
/// A key that is struck counts no more at once.
final class APIKeyFile: Sendable {
    private struct State {
        var keys: APIKeys
        var version: FileVersion
    }

    private let path: String
    private let logger: Logger
    private let state: Mutex<State>

    init(path: String, logger: Logger) throws(APIServiceError) {
        self.path = path
        self.logger = logger
        let version = FileVersion(path)
        state = Mutex(State(keys: try APIKeys(path: path), version: version))
    }

    /// Whose key this is, or nil where it is nobody's.
    func owner(of given: some Sequence<UInt8>) -> String? {
        let version = FileVersion(path)
        let keys = state.withLock { state in
            if state.version != version { refresh(&state, version) }
            return state.keys
        }
        return keys.owner(of: given)
    }

    /// A slip while editing leaves the keys before in force: it must not throw everybody out.
    private func refresh(_ state: inout State, _ version: FileVersion) {
        state.version = version
        do throws(APIServiceError) {
            state.keys = try APIKeys(path: path)
            logger.notice("The API keys were read anew", metadata: ["file": "\(path)"])
        } catch {
            logger.error(
                "The API keys cannot be read; those before stay in force",
                metadata: ["reason": "\(error)"]
            )
        }
    }
}

/// The keys of those who may use the API, each with a name.
struct APIKeys: Sendable {
    private let keys: [(name: String, bytes: [UInt8])]

    /// Shorter ones can be guessed.
    private static let shortest = 16
    private static let keyLimit = 10_000

    /// Reads a file with a key a line, or a name and a key; empty lines and `#` lines are skipped.
    ///
    /// - Throws: where it cannot be read, others may read it, or a line is no key.
    init(path: String) throws(APIServiceError) {
        let text: String
        do throws(SmallFile.Refusal) {
            text = try SmallFile.read(path, isSecret: true)
        } catch {
            throw .keys(path: path, reason: error.reason)
        }
        self = try Self(text: text, path: path)
    }

    init(text: String, path: String = "") throws(APIServiceError) {
        var keys: [(name: String, bytes: [UInt8])] = []
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let words = line.split { $0 == " " || $0 == "\t" || $0 == "\r" }
            guard let key = words.last, words.first?.hasPrefix("#") == false else { continue }
            func refuse(_ reason: String) -> APIServiceError {
                .keys(path: path, reason: "line \(index + 1) \(reason)")
            }
            guard words.count <= 2 else { throw refuse("has more than a name and a key") }
            guard key.utf8.count >= Self.shortest else {
                throw refuse("has a key of fewer than \(Self.shortest) characters")
            }
            guard keys.count < Self.keyLimit else { throw refuse("is one key too many") }
            let name = words.count == 2 ? String(words[0]) : "key-\(keys.count + 1)"
            guard !keys.contains(where: { $0.name == name }) else {
                throw refuse("has a name that another line has")
            }
            keys.append((name, Array(key.utf8)))
        }
        guard !keys.isEmpty else { throw .keys(path: path, reason: "there is none") }
        self.keys = keys
    }

    /// Whose key this is, in a time that does not tell how much of a wrong one is right.
    ///
    /// - Returns: nil where it is nobody's.
    func owner(of given: some Sequence<UInt8>) -> String? {
        let given = Array(given)
        var owner: String?
        for (name, bytes) in keys {
            var difference = UInt8(bytes.count == given.count ? 0 : 1)
            for (index, byte) in bytes.enumerated() {
                difference |= byte ^ (index < given.count ? given[index] : 0)
            }
            if difference == 0 { owner = name }
        }
        return owner
    }
}
