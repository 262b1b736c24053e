import Foundation
import Glibc
import Messaging
import Testing

/// Long enough for a loaded machine; only a failing test ever waits for it.
let patience = Duration.seconds(600)

/// The transports that a cluster runs over, each at a place of its own.
enum Place: CaseIterable {
    case inproc, ipc, tcp, tcpV6

    /// An endpoint that nobody else uses.
    func endpoint(in directory: borrowing TemporaryDirectory) throws -> Endpoint {
        switch self {
        case .inproc: try Endpoint("inproc://\(UUID().uuidString)")
        case .ipc: try Endpoint("ipc://\(directory.path)/socket")
        case .tcp: try Endpoint("tcp://127.0.0.1:*")
        case .tcpV6: try Endpoint("tcp://[::1]:0")
        }
    }
}

/// A directory that is removed with its value.
struct TemporaryDirectory: ~Copyable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory
            .appending(path: "moiety-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Looks again and again until it is so; only a failing test waits for long.
func wait(until isSo: () -> Bool) throws {
    var poller = Poller()
    let deadline = ContinuousClock.now + patience
    while !isSo() {
        try #require(ContinuousClock.now < deadline, "it did not come to that")
        _ = try poller.wait(for: [], timeout: .milliseconds(2))
    }
}

struct NothingArrived: Error {}

extension Socket {
    /// The next message, waiting for it.
    func next() throws -> ReceivedMessage {
        var poller = Poller()
        let clock = ContinuousClock()
        let deadline = clock.now + patience
        while clock.now < deadline {
            if let message = try receive() { return message }
            _ = try poller.wait(for: [self], timeout: deadline - clock.now)
        }
        guard let message = try receive() else { throw NothingArrived() }
        return message
    }

    /// A dealer whose connection stands.
    static func connected(
        to endpoint: Endpoint,
        in context: MessagingContext,
        options: SocketOptions = SocketOptions()
    ) throws -> Socket {
        let dealer = try Socket(.dealer, in: context, options: options)
        try dealer.connect(endpoint)
        guard try dealer.waitUntilSendable(timeout: patience) else { throw NothingArrived() }
        return dealer
    }
}

extension SocketOptions {
    static func named(_ name: String) -> SocketOptions {
        var options = SocketOptions()
        options.routingID = Peer(name)
        return options
    }

    static func limited(_ limits: MessagingLimits) -> SocketOptions {
        var options = SocketOptions()
        options.limits = limits
        return options
    }
}

/// A bare connection to a path, which speaks no protocol.
final class LocalConnection {
    private let descriptor: Int32

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let status = unsafe Self.withAddress(path) { unsafe connect(descriptor, $0, $1) }
        guard status == 0 else { throw NothingArrived() }
    }

    func close() { Glibc.close(descriptor) }

    /// What a listening process leaves that is killed: a socket that nobody listens at.
    static func leaveBehind(_ path: String) throws {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer {
            // A process that is just being started may have a copy of the descriptor.
            shutdown(descriptor, Int32(SHUT_RDWR))
            Glibc.close(descriptor)
        }
        let status = unsafe Self.withAddress(path) { unsafe bind(descriptor, $0, $1) }
        guard status == 0, listen(descriptor, 1) == 0 else { throw NothingArrived() }
    }

    private static func withAddress(
        _ path: String,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { bytes in
            unsafe bytes.copyBytes(from: path.utf8.prefix(bytes.count - 1))
        }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, size)
            }
        }
    }
}

/// A connection over TCP from an address of this machine, which says nothing.
struct StrangerConnection {
    private let descriptor: Int32

    init(from source: String, to port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        guard
            unsafe Self.withAddress(source, 0, { unsafe bind(descriptor, $0, size) }) == 0,
            unsafe Self.withAddress("127.0.0.1", port, { unsafe connect(descriptor, $0, size) })
                == 0
        else { throw NothingArrived() }
    }

    func close() { Glibc.close(descriptor) }

    private static func withAddress(
        _ host: String,
        _ port: UInt16,
        _ body: (UnsafePointer<sockaddr>) -> Int32
    ) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = unsafe inet_addr(host)
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0) }
        }
    }
}
