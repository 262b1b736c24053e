import Glibc

/// Where a socket listens or connects: `tcp://host:port`, `ipc://path`, or `inproc://name`.
public struct Endpoint: Hashable, Sendable {
    public enum Transport: Hashable, Sendable {
        /// `host` is a name, an IPv4 address, an IPv6 address without brackets, or `*` for every
        /// interface.
        ///
        /// Port 0 lets the system choose when binding.
        case tcp(host: String, port: UInt16)
        /// A socket file; who may connect is decided by the mode of its directory.
        case ipc(path: String)
        /// A name inside this process.
        case inproc(name: String)
    }

    public let transport: Transport

    /// Characters of a path that fit the system's socket address.
    public static let pathByteLimit = 107

    public init(_ text: String) throws(MessagingError) {
        let reason: String
        switch Self.parse(text) {
        case .success(let transport):
            self.transport = transport
            return
        case .failure(let refusal):
            reason = refusal.reason
        }
        throw .invalidEndpoint(text: String(text.prefix(64)), reason: reason)
    }

    init(transport: Transport) { self.transport = transport }

    /// Whether only processes of this machine can reach it.
    public var isLoopback: Bool {
        switch transport {
        case .ipc, .inproc:
            return true
        case .tcp(let host, _):
            return host == "localhost" || isLoopbackV4(host) || isLoopbackV6(host)
        }
    }

    /// Whether the host is an IPv6 address.
    var isV6: Bool {
        guard case .tcp(let host, _) = transport else { return false }
        return host.contains(":")
    }

    /// The text that ZeroMQ takes.
    ///
    /// It looks up no names when binding, and `localhost` must not depend on a hosts file.
    var address: String { text(localhost: "127.0.0.1") }

    private func text(localhost: String) -> String {
        switch transport {
        case .tcp(let host, let port):
            let name = host == "localhost" ? localhost : host
            return "tcp://" + (name.contains(":") ? "[\(name)]" : name) + ":\(port)"
        case .ipc(let path): return "ipc://" + path
        case .inproc(let name): return "inproc://" + name
        }
    }
}

extension Endpoint: CustomStringConvertible {
    public var description: String { text(localhost: "localhost") }
}

// MARK: - Reading

extension Endpoint {
    private struct Refusal: Error {
        let reason: String
    }

    private static func parse(_ text: String) -> Result<Transport, Refusal> {
        guard text.utf8.count <= MessagingLimits.endpointByteCount else {
            return refuse("it has more than \(MessagingLimits.endpointByteCount) bytes")
        }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else {
            return refuse("it contains a space or a control character")
        }
        if text.hasPrefix("tcp://") { return parseTCP(text.dropFirst("tcp://".count)) }
        if text.hasPrefix("ipc://") { return parsePath(text.dropFirst("ipc://".count)) }
        if text.hasPrefix("inproc://") { return parseName(text.dropFirst("inproc://".count)) }
        return refuse("it must start with tcp://, ipc:// or inproc://")
    }

    private static func parseTCP(_ rest: Substring) -> Result<Transport, Refusal> {
        guard let colon = rest.lastIndex(of: ":") else {
            return refuse("a port is missing, as in tcp://127.0.0.1:6644")
        }
        let portText = rest[rest.index(after: colon)...]
        guard let port = portText == "*" ? 0 : parsePort(portText) else {
            return refuse("the port must be 0 to 65535, or * for any")
        }
        guard let host = parseHost(rest[..<colon]) else {
            return refuse(
                "the host must be a name, an IPv4 address, an IPv6 address in brackets, or *"
            )
        }
        return .success(.tcp(host: host, port: port))
    }

    private static func parsePort(_ text: Substring) -> UInt16? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return UInt16(text)
    }

    private static func parseHost(_ text: Substring) -> String? {
        if text.hasPrefix("["), text.hasSuffix("]") {
            let address = String(text.dropFirst().dropLast())
            return v6Bytes(address) == nil ? nil : address
        }
        if text == "*" { return "*" }
        let isName = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "_"):
                true
            default:
                false
            }
        }
        return !text.isEmpty && text.utf8.count <= 253 && isName ? text.lowercased() : nil
    }

    private static func parsePath(_ path: Substring) -> Result<Transport, Refusal> {
        guard !path.isEmpty, path != "*" else { return refuse("the path is missing") }
        // ZeroMQ takes a leading @ for a socket without a file, which no directory mode protects.
        guard !path.hasPrefix("@") else { return refuse("the path must name a file") }
        guard path.utf8.count <= pathByteLimit else {
            return refuse(
                "the path has \(path.utf8.count) bytes and the system takes \(pathByteLimit); "
                    + "choose a shorter directory"
            )
        }
        return .success(.ipc(path: String(path)))
    }

    private static func parseName(_ name: Substring) -> Result<Transport, Refusal> {
        name.isEmpty ? refuse("the name is missing") : .success(.inproc(name: String(name)))
    }

    private static func refuse(_ reason: String) -> Result<Transport, Refusal> {
        .failure(Refusal(reason: reason))
    }
}

/// Whether `host` is four decimal octets, the first of them 127.
///
/// Stricter than the system's reader on purpose: what it calls loopback must be nothing else.
private func isLoopbackV4(_ host: String) -> Bool {
    let octets = host.split(separator: ".", omittingEmptySubsequences: false)
    guard octets.count == 4, octets[0] == "127" else { return false }
    return octets.allSatisfy { octet in
        (1...3).contains(octet.utf8.count)
            && octet.utf8.allSatisfy { (0x30...0x39).contains($0) }
            && UInt8(octet) != nil
    }
}

private func isLoopbackV6(_ host: String) -> Bool {
    guard let bytes = v6Bytes(host) else { return false }
    let isLoopback = bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
    let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff
    return isLoopback || (isMapped && bytes[12] == 127)
}

/// The 16 bytes of an IPv6 address, or nil where the text is none.
private func v6Bytes(_ text: String) -> [UInt8]? {
    guard text.contains(":") else { return nil }
    var address = in6_addr()
    guard unsafe inet_pton(AF_INET6, text, &address) == 1 else { return nil }
    return unsafe withUnsafeBytes(of: address) { unsafe Array($0) }
}
