import CZeroMQ

/// How a socket proves who it is, and whom it talks to: CurveZMQ, which also hides what is said.
public enum SocketSecurity: Sendable {
    /// For who binds: takes connections of those whose key has one of the door's roles.
    ///
    /// A `Doorkeeper` of the same context decides.
    case server(KeyPair, door: Door)
    /// For who connects.
    case client(KeyPair, server: PublicKey)

    /// What a connection is for; the door's name is ZAP's domain.
    public enum Door: String, Sendable {
        case workers
        case clients

        var roles: [KeyRole] {
            switch self {
            case .workers: [.worker]
            case .clients: [.client, .admin]
            }
        }
    }

    var isServer: Bool { if case .server = self { true } else { false } }
}

extension Socket {
    func apply(_ security: SocketSecurity) throws(MessagingError) {
        guard unsafe zmq_has("curve") == 1 else {
            throw .unsafeLibrary(reason: "was built without CURVE")
        }
        switch security {
        case .server(let pair, let door):
            try set(ZMQ_CURVE_SERVER, 1 as Int32)
            try set(ZMQ_CURVE_SECRETKEY, pair.secret)
            try set(ZMQ_ZAP_DOMAIN, Array(door.rawValue.utf8))
            // Without it, who speaks no CURVE would be let in where nobody answers at the door.
            try set(ZMQ_ZAP_ENFORCE_DOMAIN, 1 as Int32)
        case .client(let pair, let server):
            try set(ZMQ_CURVE_SERVERKEY, server.bytes)
            try set(ZMQ_CURVE_PUBLICKEY, pair.publicKey.bytes)
            try set(ZMQ_CURVE_SECRETKEY, pair.secret)
        }
    }
}
