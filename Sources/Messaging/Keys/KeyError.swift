/// Why a key, or a list of keys, cannot be used.
public enum KeyError: Error, Equatable, Sendable {
    /// The file cannot be opened or read.
    case unreadable(path: String, reason: String)
    /// Others than its owner may read a secret key.
    case openToOthers(path: String, mode: UInt32)
    /// The file does not hold what it should.
    case malformed(path: String, line: Int, reason: String)
    /// A secret that everybody knows.
    case printed(path: String)
    /// A file is there already, which may be a key in use.
    case exists(path: String)
    /// The file cannot be written.
    case unwritable(path: String, reason: String)
}

extension KeyError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreadable(let path, let reason):
            "the key file \(path) cannot be read: \(reason); make one with 'moiety keys new'"
        case .openToOthers(let path, let mode):
            "the secret key \(path) may be read by others (mode \(String(mode, radix: 8))): "
                + "chmod 600 it, and if others have had access, make a new one"
        case .malformed(let path, let line, let reason):
            "\(path), line \(line): \(reason)"
        case .printed(let path):
            "the key in \(path) is printed in ZeroMQ's manual, so everybody has it; make one with "
                + "'moiety keys new'"
        case .exists(let path):
            "\(path) is there already; a key in use must not be lost: name another file, or move "
                + "that one away"
        case .unwritable(let path, let reason):
            "\(path) cannot be written: \(reason)"
        }
    }
}
