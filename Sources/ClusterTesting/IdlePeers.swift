import Messaging

/// Connections that greet as a list says and then neither speak nor listen.
public final class IdlePeers {
    private var sockets: [Socket] = []
    /// Sockets of one context of the library, which has room for 1023.
    private static let perContext = 500

    public init(_ count: Int, at endpoint: String, greeting: [[UInt8]]) throws {
        var context = try MessagingContext()
        for index in 0..<count {
            if index % Self.perContext == 0 { context = try MessagingContext() }
            var options = SocketOptions()
            options.linger = .seconds(1)
            options.limits = MessagingLimits(queuedMessageCount: 2)
            let socket = try Socket(.dealer, in: context, options: options)
            try socket.connect(Endpoint(endpoint))
            sockets.append(socket)
        }
        for socket in sockets {
            guard try socket.waitUntilSendable(timeout: testPatience) else {
                throw TestClient.Failure(description: "nobody listens at \(endpoint)")
            }
            try socket.send(greeting)
        }
    }

    public func leave() { sockets = [] }
}
