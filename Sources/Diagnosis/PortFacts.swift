import CLinux
import Glibc
public import Settings

/// An address that a daemon is to listen at.
public struct PortFacts: Equatable, Sendable {
    public enum State: Equatable, Sendable {
        case free
        /// Somebody listens there.
        case taken
        case unusable(String)
    }

    /// Whose address: `worker-endpoint`.
    public let setting: String
    public let address: String
    public let state: State

    public init(setting: String, address: String, state: State) {
        (self.setting, self.address, self.state) = (setting, address, state)
    }

    /// Nil for a port that the system chooses.
    init?(_ setting: String, _ address: EndpointAddress?) {
        guard let address, !address.hasWildcardPort, address.transport != .inproc else {
            return nil
        }
        self.init(setting: setting, address: address.rawValue, state: Self.state(of: address))
    }

    /// All of a coordinator's.
    public static func all(of settings: CoordinatorSettings) -> [PortFacts] {
        [
            PortFacts("worker-endpoint", settings.workerEndpoint),
            PortFacts("client-endpoint", settings.clientEndpoint),
            PortFacts("data-endpoint", settings.dataEndpoint),
            PortFacts("chunk-endpoint", settings.chunkEndpoint),
            PortFacts("http-endpoint", settings.http.endpoint),
        ].compactMap(\.self)
    }

    private static func state(of address: EndpointAddress) -> State {
        guard let (host, port) = address.hostAndPort else {
            let path = String(address.rawValue.dropFirst("ipc://".count))
            // Nothing there, or what a daemon left behind.
            let status = unsafe moiety_local_socket_state(path)
            switch status {
            case 0: return .taken
            case ENOENT, ECONNREFUSED: return .free
            default: return state(status)
            }
        }
        return state(unsafe moiety_port_state(host == "*" ? "0.0.0.0" : host, "\(port)"))
    }

    private static func state(_ status: Int32) -> State {
        switch status {
        case 0: .free
        case EADDRINUSE: .taken
        default: .unusable(unsafe String(cString: moiety_error_text(status)))
        }
    }
}

extension PortFacts {
    /// - Parameter isServed: whether the coordinator of these settings answers, whose ports they
    ///   then are.
    public func finding(isServed: Bool) -> Finding {
        let text = "\(address) (\(setting))"
        return switch state {
        case .free where isServed:
            .warn(
                "ports",
                "\(text) is free, though a coordinator answers: it has other settings",
                "systemctl restart moiety-coordinator"
            )
        case .free: .ok("ports", "\(text) is free")
        case .taken where isServed: .ok("ports", "\(text) is the coordinator's")
        case .taken:
            .fail(
                "ports",
                "\(text) is taken, and no coordinator of these settings answers",
                "ss -ltnp tells by whom; end that, or name another port"
            )
        case .unusable(let reason):
            .fail(
                "ports",
                "nobody can listen at \(text): \(reason)",
                "name an address of this machine (ip address), or 0.0.0.0 for all"
            )
        }
    }
}
