import Cluster
import Wire

/// What came to one socket of the coordinator, as `--json` shows it.
struct SocketLine: Encodable {
    let name: String
    let connections: UInt64
    let accepted: UInt64
    let refused: UInt64
    let failedHandshakes: UInt64
    /// Of those, for their keys.
    let refusedKeys: UInt64
    /// Messages that were not acted on, by reason.
    let dropped: [String: UInt64]

    enum CodingKeys: String, CodingKey {
        case name, connections, accepted, refused, dropped
        case failedHandshakes = "failed_handshakes"
        case refusedKeys = "refused_keys"
    }

    init(_ socket: SocketReport) {
        name = socket.name
        connections = socket.connectionsOpen
        accepted = socket.connectionsAccepted
        refused = socket.connectionsRefused
        failedHandshakes = socket.handshakesFailed
        refusedKeys = socket.keysRefused
        dropped = socket.drops.byWord
    }
}

extension DropCounts {
    var byWord: [String: UInt64] {
        Dictionary(uniqueKeysWithValues: all.map { ($0.reason.rawValue, $0.count) })
    }
}
