import CProtobufC
import CWire
public import Cluster

/// What came to one socket of the coordinator since it started.
public struct SocketReport: Equatable, Sendable {
    /// Who connects there: "workers", "shares" or "clients".
    public var name: String
    public var connectionsOpen: UInt64
    public var connectionsAccepted: UInt64
    /// For want of room.
    public var connectionsRefused: UInt64
    /// Of those that were accepted: they did not speak the protocol, or not in time.
    public var handshakesFailed: UInt64
    /// Of those handshakes: the key that was shown is not accepted here.
    public var keysRefused: UInt64
    /// Messages that were not acted on.
    public var drops: DropCounts

    public init(
        name: String,
        connectionsOpen: UInt64 = 0,
        connectionsAccepted: UInt64 = 0,
        connectionsRefused: UInt64 = 0,
        handshakesFailed: UInt64 = 0,
        keysRefused: UInt64 = 0,
        drops: DropCounts = DropCounts()
    ) {
        self.name = name
        self.connectionsOpen = connectionsOpen
        self.connectionsAccepted = connectionsAccepted
        self.connectionsRefused = connectionsRefused
        self.handshakesFailed = handshakesFailed
        self.keysRefused = keysRefused
        self.drops = drops
    }
}

extension SocketReport {
    fileprivate init(_ raw: Moiety__V1__Socket, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            name: reader.text(raw.name, "socket.name"),
            connectionsOpen: raw.connections_open,
            connectionsAccepted: raw.connections_accepted,
            connectionsRefused: raw.connections_refused,
            handshakesFailed: raw.handshakes_failed,
            keysRefused: raw.keys_refused,
            drops: reader.drops(raw.drops, count: raw.n_drops, "socket.drops")
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Socket>? {
        unsafe writer.message(moiety__v1__socket__init) { raw in
            unsafe raw.name = writer.text(name)
            unsafe raw.connections_open = connectionsOpen
            unsafe raw.connections_accepted = connectionsAccepted
            unsafe raw.connections_refused = connectionsRefused
            unsafe raw.handshakes_failed = handshakesFailed
            unsafe raw.keys_refused = keysRefused
            unsafe raw.n_drops = drops.all.count
            unsafe raw.drops = writer.drops(drops)
        }
    }
}

extension MessageReader {
    func sockets(_ raw: Moiety__V1__Status) throws(WireError) -> [SocketReport] {
        try unsafe parts(
            raw.sockets,
            count: raw.n_sockets,
            "status.sockets"
        ) { part throws(WireError) in
            try unsafe SocketReport(part, self)
        }
    }

    /// Counts by reason; reasons of a newer release count as others.
    func drops(
        _ list: UnsafeMutablePointer<UnsafeMutablePointer<Moiety__V1__DropCount>?>?,
        count: Int,
        _ field: String
    ) throws(WireError) -> DropCounts {
        var drops = DropCounts()
        _ = try unsafe parts(list, count: count, field) { part throws(WireError) in
            let word = try unsafe text(part.reason, field)
            drops.add(unsafe part.count, to: DropCounts.Reason(rawValue: word) ?? .other)
        }
        return drops
    }
}

extension MessageWriter {
    /// As many as the counts that are not 0.
    func drops(
        _ drops: DropCounts
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<Moiety__V1__DropCount>?>? {
        unsafe list(
            drops.all.map { drop in
                unsafe message(moiety__v1__drop_count__init) { raw in
                    unsafe raw.reason = text(drop.reason.rawValue)
                    unsafe raw.count = drop.count
                }
            }
        )
    }
}
