import Glibc

/// Reads and writes the files that keys lie in.
///
/// A secret file has one line, `secret` and 64 hexadecimal digits; a public file has the public
/// half alone. Lines that begin with `#` say things to people.
public enum KeyFile {
    /// Bytes of a key file, and of a list with room for a thousand keys.
    static let byteLimit = 1 << 18

    /// Reads a secret key, which nobody but its owner may be able to read.
    public static func readSecret(_ path: String) throws(KeyError) -> KeyPair {
        let lines = try lines(of: try read(path, isSecret: true))
        guard let line = lines.first, lines.count == 1, line.words.count == 2,
            line.words[0] == "secret", let bytes = [UInt8](hexadecimal: line.words[1]),
            bytes.count == PublicKey.byteCount
        else {
            throw .malformed(
                path: path,
                line: lines.first?.number ?? 1,
                reason: "a secret key is one line, 'secret' and 64 hexadecimal digits"
            )
        }
        let pair: KeyPair
        do throws(MessagingError) {
            pair = try KeyPair(secret: bytes)
        } catch {
            throw .malformed(path: path, line: line.number, reason: "\(error)")
        }
        guard !pair.publicKey.isPrinted else { throw .printed(path: path) }
        return pair
    }

    /// Reads a public key.
    public static func readPublic(_ path: String) throws(KeyError) -> PublicKey {
        let lines = try lines(of: try read(path, isSecret: false))
        guard let line = lines.first, lines.count == 1, line.words.count == 1,
            let key = PublicKey(line.words[0])
        else {
            throw .malformed(
                path: path,
                line: lines.first?.number ?? 1,
                reason: "a public key is one line of 64 hexadecimal digits"
            )
        }
        guard !key.isPrinted else { throw .printed(path: path) }
        return key
    }

    /// Reads a list of keys.
    public static func readList(_ path: String) throws(KeyError) -> AllowList {
        try AllowList(text: read(path, isSecret: false), path: path)
    }

    /// Writes both halves of a new pair: the secret one to `path`, for its owner alone, the public
    /// one to `path` with `.pub` behind it.
    public static func write(_ pair: KeyPair, to path: String) throws(KeyError) {
        try create(path, mode: 0o600, "secret \(pair.secret.hexadecimal)\n")
        try create(path + ".pub", mode: 0o644, "\(pair.publicKey)\n")
    }

    /// Replaces a list of keys at once, so that no reader sees half of it.
    public static func write(_ list: AllowList, to path: String) throws(KeyError) {
        let draft = path + ".new"
        unsafe unlink(draft)
        try create(draft, mode: 0o644, list.text)
        guard unsafe rename(draft, path) == 0 else {
            throw .unwritable(path: path, reason: systemReason(errno))
        }
    }

    // MARK: Files

    private static func read(_ path: String, isSecret: Bool) throws(KeyError) -> String {
        String(decoding: try bytes(of: path, isSecret: isSecret, limit: byteLimit), as: UTF8.self)
    }

    /// Reads a regular file of at most `limit` bytes; one that is secret only where nobody but its
    /// owner may.
    package static func bytes(
        of path: String,
        isSecret: Bool,
        limit: Int
    ) throws(KeyError) -> [UInt8] {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw .unreadable(path: path, reason: systemReason(errno)) }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else {
            throw .unreadable(path: path, reason: systemReason(errno))
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable(path: path, reason: "it is no regular file")
        }
        guard !isSecret || status.st_mode & 0o077 == 0 else {
            throw .openToOthers(path: path, mode: status.st_mode & 0o777)
        }
        guard status.st_size <= limit else {
            throw .unreadable(path: path, reason: "it has \(status.st_size) bytes")
        }
        return try readAll(file, path, limit: limit)
    }

    private static func readAll(
        _ file: Int32,
        _ path: String,
        limit: Int
    ) throws(KeyError) -> [UInt8] {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= limit {
            let count = unsafe Glibc.read(file, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .unreadable(path: path, reason: systemReason(errno)) }
            guard count > 0 else { break }
            bytes += piece[..<count]
        }
        return bytes
    }

    /// Writes a file that is not there yet; on disk before this returns.
    private static func create(_ path: String, mode: mode_t, _ text: String) throws(KeyError) {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard file >= 0 else {
            if errno == EEXIST { throw .exists(path: path) }
            throw .unwritable(path: path, reason: systemReason(errno))
        }
        defer { close(file) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { bytes in
                unsafe Glibc.write(file, bytes.baseAddress, bytes.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .unwritable(path: path, reason: systemReason(errno)) }
            rest = rest.dropFirst(count)
        }
        guard fsync(file) == 0 else { throw .unwritable(path: path, reason: systemReason(errno)) }
    }

    /// Lines that say something, split at blanks.
    static func lines(of text: String) throws(KeyError) -> [(number: Int, words: [String])] {
        text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            .compactMap { index, line in
                let words = line.split { $0 == " " || $0 == "\t" || $0 == "\r" }.map(String.init)
                guard let first = words.first, !first.hasPrefix("#") else { return nil }
                return (index + 1, words)
            }
    }
}
