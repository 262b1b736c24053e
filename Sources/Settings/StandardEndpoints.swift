extension EndpointAddress {
    /// Loopback, because anything else needs keys.
    static let workers = EndpointAddress(tcpLoopbackPort: 6644)
    static let clients = EndpointAddress(tcpLoopbackPort: 6645)
    static let http: EndpointAddress? = EndpointAddress(tcpLoopbackPort: 6643)
    static let anyData = EndpointAddress(tcpLoopbackPort: 0)

    private init(tcpLoopbackPort port: UInt16) {
        rawValue = "tcp://127.0.0.1:\(port)"
        transport = .tcp
    }
}
