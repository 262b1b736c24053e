/// What a worker is called in plans, settings and logs: 1 to 64 characters of `[A-Za-z0-9._-]`.
///
/// Chosen by whoever runs the worker. It outlives the process, so a worker that restarts under its
/// old name gets its old experts.
public struct WorkerName: RawRepresentable, Hashable, Sendable {
    public static let longest = 64

    public let rawValue: String

    /// Nil where the text is empty, too long, or has characters outside the set.
    public init?(rawValue: String) {
        let bytes = rawValue.utf8
        guard (1...Self.longest).contains(bytes.count) else { return nil }
        guard bytes.allSatisfy(Self.isAllowed) else { return nil }
        self.rawValue = rawValue
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default:
            false
        }
    }
}

extension WorkerName: Comparable {
    public static func < (left: WorkerName, right: WorkerName) -> Bool {
        left.rawValue < right.rawValue
    }
}

extension WorkerName: CustomStringConvertible {
    public var description: String { rawValue }
}
