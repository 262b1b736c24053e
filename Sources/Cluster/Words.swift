/// One life of a worker process, numbered by the coordinator from 1; 0 is "never had one".
public struct Incarnation: RawRepresentable, Hashable, Sendable {
    public static let unnumbered = Incarnation(rawValue: 0)

    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

extension Incarnation: Comparable {
    public static func < (left: Incarnation, right: Incarnation) -> Bool {
        left.rawValue < right.rawValue
    }
}

extension Incarnation: CustomStringConvertible {
    public var description: String { "\(rawValue)" }
}

/// The number of one share; never used twice in the life of a coordinator.
public struct ShareID: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

extension ShareID: Comparable {
    public static func < (left: ShareID, right: ShareID) -> Bool { left.rawValue < right.rawValue }
}

extension ShareID: CustomStringConvertible {
    public var description: String { "\(rawValue)" }
}

/// The far end of one connection, by the routing id that the socket gave it.
///
/// Says nothing about who it is: that is what hello is for.
public struct PeerID: Hashable, Sendable {
    public let bytes: [UInt8]

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }
}

extension PeerID: Comparable {
    public static func < (left: PeerID, right: PeerID) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

extension PeerID: CustomStringConvertible {
    public var description: String {
        bytes.map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}

/// Why a coordinator sent a worker or a client away.
///
/// Raw values are those of the wire.
public enum RefusalCode: UInt32, CaseIterable, Sendable {
    /// The two speak no common version of the protocol.
    case protocolVersion = 1
    /// The worker's model file is another model's.
    case model = 2
    /// The plan or the settings name the workers, and this is none of them.
    case unknownName = 3
    /// Another live process has this name.
    case nameTaken = 4
    case clusterFull = 5
    /// The role may not do what it asked for.
    case notAllowed = 6
    case malformed = 7
    case shuttingDown = 8
    /// The peer did not introduce itself; it should say hello and go on. A worker whose
    /// coordinator restarted meets this.
    case helloExpected = 9

    /// Whether asking again is in vain until someone changes a setting, a file or a program.
    public var isPermanent: Bool {
        switch self {
        case .protocolVersion, .model, .unknownName, .notAllowed, .malformed: true
        case .nameTaken, .clusterFull, .shuttingDown, .helloExpected: false
        }
    }
}

/// Why a worker could not load its experts.
///
/// Raw values are those of the wire.
public enum LoadFailureCode: UInt32, CaseIterable, Sendable {
    /// No file in the worker's settings has these experts.
    case fileMissing = 1
    /// The file's size or header is not the coordinator's.
    case wrongModel = 2
    /// An expert's bytes are not the coordinator's.
    case wrongDigest = 3
    case outOfMemory = 4
    case unreadable = 5
    /// The worker has no kernels for an expert's element type.
    case unsupportedType = 6
    /// What was asked for makes no sense: an expert that the model does not have, for example.
    case malformed = 7
}

/// Why a worker did not compute a share.
///
/// Raw values are those of the wire.
public enum ShareRefusalCode: UInt32, CaseIterable, Sendable {
    /// The worker does not hold one of the experts.
    case notHeld = 1
    /// The share's shape or indices make no sense.
    case malformed = 2
    case draining = 3
    case overloaded = 4
    /// The computation itself failed.
    case failed = 5
}

/// Why a chunk of an expert was not sent.
///
/// Raw values are those of the wire.
public enum ChunkRefusalCode: UInt32, CaseIterable, Sendable {
    /// No expert of the coordinator's model has this hash.
    case unknownExpert = 1
    /// The request makes no sense: the expert has no such bytes, or a chunk may not be so long.
    case malformed = 2
    /// The coordinator's own file cannot be read.
    case unreadable = 3
    /// Too much is asked for at once; ask again.
    case overloaded = 4
}
