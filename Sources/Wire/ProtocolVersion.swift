/// The version of the messages that this build speaks.
public enum ProtocolVersion {
    public static let current: UInt32 = 1
    /// One version back is still understood, once there is one.
    public static let supported: ClosedRange<UInt32> = 1...1
}

/// What the far end of a connection is.
///
/// Raw values are those of the wire, here and below.
public enum Role: UInt32, CaseIterable, Sendable {
    case worker = 1
    case client = 2
    case admin = 3
}

/// How a job ended.
public enum Outcome: UInt32, CaseIterable, Sendable {
    case completed = 1
    case cancelled = 2
    case failed = 3
}

/// Why a job generates no more.
public enum EndReason: UInt32, CaseIterable, Sendable {
    /// An end-of-text token or a stop text.
    case stop = 1
    /// The maximum of tokens or the end of the context.
    case length = 2
    case cancelled = 3
    case error = 4
}

/// Where a job stands.
public enum JobState: UInt32, CaseIterable, Sendable {
    case queued = 1
    case running = 2
    case completed = 3
    case cancelled = 4
    case failed = 5
}
