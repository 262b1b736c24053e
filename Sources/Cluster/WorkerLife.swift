public import Placement

/// One life of one worker: what its data connection is known by.
public struct WorkerLife: Hashable, Sendable {
    public let name: WorkerName
    public let incarnation: Incarnation

    public init(name: WorkerName, incarnation: Incarnation) {
        self.name = name
        self.incarnation = incarnation
    }

    /// What the worker calls itself on the data socket.
    ///
    /// Differs from life to life, so that no share reaches a process it was not meant for.
    public var routingID: String { "\(name)#\(incarnation)" }

    /// Nil where no worker calls itself that.
    public init?(routingID: String) {
        let parts = routingID.split(separator: "#", omittingEmptySubsequences: false)
        guard parts.count == 2, let name = WorkerName(rawValue: String(parts[0])),
            let number = UInt64(parts[1])
        else { return nil }
        self.init(name: name, incarnation: Incarnation(rawValue: number))
    }
}
