/// Why a socket could not be made, bound, connected, or used.
public enum MessagingError: Error, Equatable, Sendable {
    /// The text is no endpoint.
    case invalidEndpoint(text: String, reason: String)
    /// Other machines could reach this endpoint, and there are no keys to tell friends by.
    case keysNeeded(Endpoint)
    /// Another process listens there.
    case addressInUse(Endpoint)
    /// `bind` or `connect` failed for another reason.
    case endpointRefused(Endpoint, operation: String, reason: String)
    /// The queue to this peer is full, or nobody is connected; nothing was sent.
    case queueFull(Peer?)
    /// No peer of this routing id is connected; nothing was sent.
    case unroutable(Peer)
    /// A message beyond our own limits; nothing was sent.
    case messageTooLarge(frameCount: Int, largestFrameByteCount: Int)
    /// The library cannot be trusted with connections.
    case unsafeLibrary(reason: String)
    /// The library or the system failed.
    case failed(operation: String, reason: String)
}

extension MessagingError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .invalidEndpoint(let text, let reason):
            "\"\(text)\" is no endpoint: \(reason)"
        case .keysNeeded(let endpoint):
            "refused to bind \(endpoint): other machines could connect, and there are no keys to "
                + "check them by; set coordinator.key-file and coordinator.allowed-keys (see "
                + "'moiety keys --help'), or bind a loopback address, ipc:// or inproc://"
        case .addressInUse(let endpoint):
            "cannot bind \(endpoint): the address is in use; stop the process that listens "
                + "there or choose another endpoint"
        case .endpointRefused(let endpoint, let operation, let reason):
            "cannot \(operation) \(endpoint): \(reason)"
        case .queueFull(let peer?):
            "the queue to \(peer) is full"
        case .queueFull(nil):
            "nobody is connected, or the queue is full"
        case .unroutable(let peer):
            "\(peer) is not connected"
        case .messageTooLarge(let frameCount, let byteCount):
            "a message of \(frameCount) frames, the largest of \(byteCount) bytes, exceeds the "
                + "limits"
        case .unsafeLibrary(let reason):
            "libzmq \(reason); install 4.3.4 or later, with CURVE (Debian's libzmq5)"
        case .failed(let operation, let reason):
            "\(operation) failed: \(reason)"
        }
    }
}
