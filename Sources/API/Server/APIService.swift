import Coordinator
import Hummingbird
public import Logging
public import Messaging
import NIOCore
public import ServiceLifecycle
public import Settings

/// A coordinator, and its HTTP API where the settings ask for one.
///
/// HTTP listens before the model is loaded, so that it can be asked how that goes. What it serves
/// are values that the coordinator's loop thread takes and gives; no request waits on that thread,
/// nor it for a request.
public struct APIService: Service {
    private let settings: CoordinatorSettings
    private let limits: APILimits
    private let manager: ServiceManager
    private let logger: Logger
    /// Told where HTTP is served.
    private let onListening: @Sendable (String) -> Void

    /// How long open connections may take to end once the coordinator has.
    private static let farewellTime = Duration.seconds(2)

    public init(
        settings: CoordinatorSettings,
        manager: ServiceManager = .none,
        logger: Logger
    ) {
        let limits = APILimits(settings)
        self.init(settings: settings, limits: limits, manager: manager, logger: logger) { _ in }
    }

    /// - Parameter onListening: told where, once HTTP is served.
    package init(
        settings: CoordinatorSettings,
        limits: APILimits,
        manager: ServiceManager = .none,
        logger: Logger,
        onListening: @escaping @Sendable (String) -> Void
    ) {
        self.settings = settings
        self.limits = limits
        self.manager = manager
        self.logger = logger
        self.onListening = onListening
    }

    /// Serves until shut down gracefully or cancelled.
    ///
    /// - Throws: `CoordinatorError`, or `APIServiceError` where HTTP cannot be served.
    public func run() async throws {
        let door = CoordinatorDoor()
        let coordinator = CoordinatorService(
            settings: settings,
            door: door,
            manager: manager,
            logger: logger
        )
        guard let endpoint = settings.http.endpoint else { return try await coordinator.run() }
        let server = try HTTPServer(
            endpoint: endpoint,
            settings: settings.http,
            limits: limits,
            door: door,
            logger: logger
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            let (listening, address) = AsyncStream.makeStream(of: String.self)
            group.addTask {
                try await server.run {
                    address.yield($0)
                    onListening($0)
                }
            }
            group.addTask {
                for await address in listening {
                    door.announce(httpAddress: address)
                    break
                }
                try await coordinator.run()
            }
            defer { group.cancelAll() }
            // Whichever ends first: HTTP in trouble, or the coordinator.
            try await group.next()
            group.addTask { try await Task.sleep(for: Self.farewellTime) }
            try await group.next()
        }
    }
}

/// Why HTTP cannot be served.
public enum APIServiceError: Error, Equatable, CustomStringConvertible {
    /// Another process does, or nobody may.
    case cannotListen(String, reason: String)
    /// The file of API keys.
    case keys(path: String, reason: String)
    /// A file of the certificate or its key.
    case tls(path: String, reason: String)
    /// The file of a chat template.
    case template(path: String, reason: String)

    public var description: String {
        switch self {
        case .cannotListen(let address, let reason):
            "cannot serve HTTP at \(address): \(reason); choose another coordinator.http-endpoint"
        case .template(let path, let reason):
            "the chat template in \(path) is not usable: \(reason)"
        case .tls(let path, let reason): "the TLS file \(path) is not usable: \(reason)"
        case .keys(let path, let reason): "the API keys in \(path) are not usable: \(reason)"
        }
    }
}
