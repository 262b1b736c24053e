extension Endpoint {
    /// Loopback, because anything else needs keys.
    static let workers = Endpoint(tcpLoopbackPort: 6644)
    static let clients = Endpoint(tcpLoopbackPort: 6645)
    static let anyData = Endpoint(tcpLoopbackPort: 0)

    private init(tcpLoopbackPort port: UInt16) {
        rawValue = "tcp://127.0.0.1:\(port)"
        transport = .tcp
    }
}
