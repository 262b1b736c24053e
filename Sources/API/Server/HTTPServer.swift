import Coordinator
import Foundation
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import Settings
import Templates

/// The server's socket, and what every connection of it is bound by.
struct HTTPServer: Sendable {
    private let endpoint: EndpointAddress
    private let settings: HTTPSettings
    private let responder: APIResponder
    /// Nil where it serves plain HTTP.
    private let tls: TLSSetup?
    private let logger: Logger

    /// Of all headers of a request; far more than clients send.
    private static let headerByteCount = 16 << 10
    private static let headerCount = 100

    init(
        endpoint: EndpointAddress,
        settings: HTTPSettings,
        limits: APILimits,
        door: CoordinatorDoor,
        logger: Logger
    ) throws(APIServiceError) {
        self.endpoint = endpoint
        self.settings = settings
        self.logger = logger
        tls = try settings.tls.map { files throws(APIServiceError) in try TLSSetup(files) }
        responder = APIResponder(
            door: door,
            gate: RequestGate(
                keys: try settings.keyFile.map { path throws(APIServiceError) in
                    try APIKeyFile(path: path, logger: logger)
                },
                host: endpoint.hostAndPort?.host
            ),
            limits: limits,
            templates: ChatTemplates(override: try settings.chatTemplateFile.map(Self.template))
        )
    }

    /// Reads a chat template and sees whether it can be used.
    private static func template(path: String) throws(APIServiceError) -> String {
        do {
            let source = try SmallFile.read(path)
            _ = try ChatTemplate(source: source)
            return source
        } catch let refusal as SmallFile.Refusal {
            throw .template(path: path, reason: refusal.reason)
        } catch {
            throw .template(path: path, reason: "\(error)")
        }
    }

    /// Serves until shut down gracefully or cancelled.
    ///
    /// - Parameter onListening: told where, as `http[s]://HOST:PORT` or `unix:PATH`.
    func run(onListening: @escaping @Sendable (String) -> Void) async throws {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let application = Application(
            responder: responder,
            server: try channels,
            configuration: ApplicationConfiguration(
                address: bindAddress,
                serverName: "moiety",
                availableConnectionsDelegate: .maximum(settings.connectionCount, logger: quiet)
            ),
            onServerRunning: { [logger] channel in
                await Self.tolerateRefusals(channel)
                let address = address(of: channel)
                logger.notice("HTTP served", metadata: ["address": "\(address)"])
                onListening(address)
            },
            logger: quiet
        )
        do {
            try await application.run()
        } catch let error as IOError {
            throw APIServiceError.cannotListen(endpoint.rawValue, reason: "\(error)")
        } catch let error as SocketAddressError {
            throw APIServiceError.cannotListen(endpoint.rawValue, reason: "\(error)")
        }
    }

    /// What becomes of a connection's bytes.
    private var channels: HTTPServerBuilder {
        get throws {
            let plain = HTTPServerBuilder.http1(
                configuration: .init(
                    idleTimeout: TimeAmount(responder.limits.idleTime),
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: Self.headerByteCount,
                        maxHeaderListSize: Self.headerByteCount,
                        maxHeaderFieldCount: Self.headerCount
                    )
                )
            )
            guard let tls else { return plain }
            return try .tls(plain, tlsConfiguration: tls.configuration)
        }
    }

    private var bindAddress: BindAddress {
        if let (host, port) = endpoint.hostAndPort { return .hostname(host, port: port) }
        return .unixDomainSocket(path: String(endpoint.rawValue.dropFirst("ipc://".count)))
    }

    private func address(of channel: any Channel) -> String {
        guard let local = channel.localAddress, let port = local.port,
            let host = endpoint.hostAndPort?.host
        else { return "unix:\(endpoint.rawValue.dropFirst("ipc://".count))" }
        let scheme = tls == nil ? "http" : "https"
        return "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }

    /// Keeps listening when a connection cannot be accepted.
    private static func tolerateRefusals(_ channel: any Channel) async {
        channel.pipeline.addHandler(RefusalSwallower(), position: .first).whenFailure { _ in }
    }
}

extension Channel {
    /// Closes the connection unless it was closed before.
    func close(after time: Duration) {
        let closing = eventLoop.scheduleTask(in: TimeAmount(time)) { self.close(promise: nil) }
        closeFuture.whenComplete { _ in closing.cancel() }
    }
}

/// Errors of accepting concern one connection: that it is gone, or that no descriptor is left.
///
/// The server would end at the first of them.
private final class RefusalSwallower: ChannelInboundHandler, RemovableChannelHandler, Sendable {
    typealias InboundIn = any Channel

    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
