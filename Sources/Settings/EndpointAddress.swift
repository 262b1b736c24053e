/// Where a socket listens or connects to: `tcp://HOST:PORT`, `ipc://PATH`, `inproc://NAME`.
///
/// Only the form is checked here, early and with the setting's name; whether the host exists is
/// seen by the daemon that opens the socket.
public struct EndpointAddress: RawRepresentable, Hashable, Sendable {
    public enum Transport: String, Sendable {
        case tcp
        case ipc
        case inproc
    }

    /// More than any host name or Unix socket path needs.
    public static let longest = 256

    public let rawValue: String
    public let transport: Transport

    /// Nil where the transport is unknown, the host or port is missing, or a character is not
    /// printable ASCII.
    public init?(rawValue: String) {
        guard rawValue.utf8.count <= Self.longest else { return nil }
        guard rawValue.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
        guard let separator = rawValue.firstRange(of: "://") else { return nil }
        let address = rawValue[separator.upperBound...]
        guard let transport = Transport(rawValue: String(rawValue[..<separator.lowerBound])) else {
            return nil
        }
        guard !address.isEmpty else { return nil }
        guard transport != .tcp || Self.isHostAndPort(address) else { return nil }
        self.rawValue = rawValue
        self.transport = transport
    }

    /// True where the system chooses the port: port 0.
    public var hasWildcardPort: Bool { transport == .tcp && rawValue.hasSuffix(":0") }

    /// Host and port of a `tcp` endpoint, without the brackets of an IPv6 address.
    public var hostAndPort: (host: String, port: Int)? {
        guard transport == .tcp, let colon = rawValue.lastIndex(of: ":"),
            let port = Int(rawValue[rawValue.index(after: colon)...])
        else { return nil }
        let host = rawValue[..<colon].dropFirst("tcp://".count)
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        return (String(isBracketed ? host.dropFirst().dropLast() : host), port)
    }

    /// Whether nobody on other machines can connect to it, as far as the text tells.
    public var isLoopback: Bool {
        guard let host = hostAndPort?.host else { return true }
        if host == "localhost" || host == "::1" { return true }
        let octets = host.split(separator: ".", omittingEmptySubsequences: false)
        return octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil }
    }

    /// A second endpoint beside this one: a free port of the same interface, or the name with
    /// `suffix`; nil where that is too long.
    public func sibling(suffix: String) -> EndpointAddress? {
        guard transport == .tcp, let colon = rawValue.lastIndex(of: ":") else {
            return EndpointAddress(rawValue: "\(rawValue).\(suffix)")
        }
        return EndpointAddress(rawValue: rawValue[...colon] + "0")
    }

    private static func isHostAndPort(_ address: Substring) -> Bool {
        guard let colon = address.lastIndex(of: ":"), colon != address.startIndex else {
            return false
        }
        let port = address[address.index(after: colon)...]
        // `UInt16` takes a sign and leading zeroes, which a port has not.
        return UInt16(port).map(String.init) == String(port)
    }
}
