/// What the owner of a key may do.
public enum KeyRole: String, CaseIterable, Sendable {
    /// Computes experts.
    case worker
    /// Submits jobs and asks questions.
    case client
    /// Also changes plans and drains nodes.
    case admin
}

/// Whose keys a coordinator accepts, and as what.
///
/// As text a line for each key: role, name, 64 hexadecimal digits. A name may have several keys, so
/// that a new one can be handed out before the old one is revoked.
public struct AllowList: Equatable, Sendable {
    public struct Entry: Equatable, Sendable {
        public let role: KeyRole
        public let name: String
        public let key: PublicKey

        /// Nil where the name is empty or has blanks.
        public init?(role: KeyRole, name: String, key: PublicKey) {
            let isName = name.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value < 0x7f }
            guard isName, (1...Self.longestName).contains(name.utf8.count), !name.hasPrefix("#")
            else { return nil }
            (self.role, self.name, self.key) = (role, name, key)
        }

        static let longestName = 64
    }

    /// Keys that a list may have: a cluster has far fewer nodes and users.
    public static let limit = 1000

    public private(set) var entries: [Entry] = []

    public init() {}

    /// - Parameter path: for errors.
    public init(text: String, path: String) throws(KeyError) {
        for line in try KeyFile.lines(of: text) {
            guard line.words.count == 3, let role = KeyRole(rawValue: line.words[0]),
                let key = PublicKey(line.words[2]),
                let entry = Entry(role: role, name: line.words[1], key: key)
            else {
                throw .malformed(
                    path: path,
                    line: line.number,
                    reason: "a key is a role (worker, client or admin), a name and 64 "
                        + "hexadecimal digits"
                )
            }
            guard !key.isPrinted else { throw .printed(path: path) }
            guard self.entry(of: key) == nil, entries.count < Self.limit else {
                let reason = "the key is listed twice, or there are more than \(Self.limit)"
                throw .malformed(path: path, line: line.number, reason: reason)
            }
            entries.append(entry)
        }
    }

    public var text: String {
        entries.map { "\($0.role.rawValue) \($0.name) \($0.key)\n" }.joined()
    }

    public func entry(of key: PublicKey) -> Entry? { entries.first { $0.key == key } }

    /// Lists a key; one that is listed already changes its role and name.
    ///
    /// - Returns: whether there was room.
    public mutating func add(_ entry: Entry) -> Bool {
        entries.removeAll { $0.key == entry.key }
        guard entries.count < Self.limit else { return false }
        entries.append(entry)
        return true
    }

    /// Strikes keys by name, or one by its digits.
    ///
    /// - Returns: those that were struck.
    public mutating func remove(_ nameOrKey: String) -> [Entry] {
        let key = PublicKey(nameOrKey)
        let struck = entries.filter { $0.name == nameOrKey || $0.key == key }
        entries.removeAll { struck.contains($0) }
        return struck
    }
}
