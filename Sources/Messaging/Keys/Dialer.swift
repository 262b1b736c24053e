/// Opens connections to one coordinator: with keys where there are any, and at its address where it
/// names a port of all its interfaces.
public struct Dialer: Sendable {
    private let coordinator: Endpoint
    private let security: SocketSecurity?

    public init(to coordinator: Endpoint, security: SocketSecurity? = nil) {
        self.coordinator = coordinator
        self.security = security
    }

    public func dial(
        _ endpoint: Endpoint,
        options: SocketOptions,
        in context: MessagingContext
    ) throws(MessagingError) -> Socket {
        var options = options
        options.security = security
        return try context.dial(endpoint.reached(through: coordinator), options: options)
    }
}

extension SocketSecurity {
    /// For who connects: with the secret key and the coordinator's public key in these files.
    public static func client(
        keyPath: String,
        coordinatorKeyPath: String
    ) throws(KeyError) -> SocketSecurity {
        .client(
            try KeyFile.readSecret(keyPath),
            server: try KeyFile.readPublic(coordinatorKeyPath)
        )
    }
}

extension Endpoint {
    /// For `reached`: this machine, by an address that only it has.
    public static let thisMachine = Endpoint(transport: .tcp(host: "127.0.0.1", port: 0))

    /// Where others reach what listens at all interfaces of the machine that `other` names.
    public func reached(through other: Endpoint) -> Endpoint {
        guard case .tcp(let host, let port) = transport, ["*", "0.0.0.0", "::"].contains(host),
            case .tcp(let otherHost, _) = other.transport
        else { return self }
        return Endpoint(transport: .tcp(host: otherHost, port: port))
    }
}
