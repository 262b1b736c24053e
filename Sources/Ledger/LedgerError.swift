/// Why the ledger does not do what it was asked.
public enum LedgerError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The disk is full, or the ledger as large as it may become.
    case noRoom(path: String)
    case readOnly(path: String)
    /// What is in the file is no ledger any more, or never was one.
    case damaged(path: String, reason: String)
    /// A later release wrote it.
    case newer(path: String, version: Int, supported: Int)
    /// Somebody else has it open and does not let go.
    case busy(path: String)
    case failed(path: String, reason: String)

    public var description: String {
        switch self {
        case .noRoom(let path):
            "no room for the job ledger \(path): free space on its disk, or let it grow with "
                + "coordinator.ledger-megabytes"
        case .readOnly(let path):
            "the job ledger \(path) cannot be written: make its disk writable, or name another "
                + "place with coordinator.state-directory"
        case .damaged(let path, let reason):
            "the job ledger \(path) is damaged (\(reason)): stop the coordinator, move the file "
                + "away or put a copy in its place, and start it again"
        case .newer(let path, let version, let supported):
            "the job ledger \(path) has version \(version), this release knows \(supported): "
                + "install the release that wrote it, or a later one"
        case .busy(let path):
            "another program keeps the job ledger \(path) locked: end it"
        case .failed(let path, let reason): "the job ledger \(path) does not work: \(reason)"
        }
    }

    /// Whether trying again does not help.
    public var isLasting: Bool {
        switch self {
        case .damaged, .newer: true
        case .noRoom, .readOnly, .busy, .failed: false
        }
    }
}
