package import Cluster
import Generation
package import Logging
package import Messaging
import Model
package import Wire

/// What came to one socket, as far as it was not in order.
package struct SocketTraffic: Hashable, Sendable {
    package var drops = DropCounts()
    package var connections = ConnectionCounts()

    package init() {}

    /// - Parameter drops: what its reader did not act on; what the socket threw away is added.
    init(of socket: any MessageSocket, drops: DropCounts) {
        self.drops = drops
        self.drops.add(UInt64(socket.droppedMessageCount), to: .oversize)
        connections = socket.connections
    }

    /// As `moiety status` shows it.
    func report(_ name: String) -> SocketReport {
        SocketReport(
            name: name,
            connectionsOpen: UInt64(connections.open),
            connectionsAccepted: UInt64(connections.accepted),
            connectionsRefused: UInt64(connections.refused),
            handshakesFailed: UInt64(connections.failedHandshakes),
            keysRefused: UInt64(connections.refusedKeys),
            drops: drops
        )
    }
}

/// What the step thread counts, for the loop thread to tell.
package struct StepFigures: Hashable, Sendable {
    /// What came to the data socket.
    var traffic = SocketTraffic()
    var trips = TripProfile()
    var costs = ShareCosts()
    /// Busiest worker over the mean, nil where nothing was computed under the plan.
    var imbalance: Double?
    var engine = EngineFigures()
    /// In which precision rows used experts, where workers may be lossy.
    var uses = TierUses()

    package init() {}
}

/// Tells operators how much was dropped, when it was more than the last time.
package struct TrafficLog {
    private let logger: Logger
    private var told: [SocketReport] = []
    private var lastTime: Instant

    /// Single messages are told at once; the totals need no more than this.
    private static let pause = Duration.seconds(60)

    package init(_ logger: Logger, now: Instant) {
        self.logger = logger
        lastTime = now
    }

    /// - Parameters:
    ///   - reports: asked for only when it is time.
    ///   - crowds: whom connections were refused since they were asked for last.
    package mutating func tell(
        _ reports: @autoclosure () -> [SocketReport],
        crowds: @autoclosure () -> [ConnectionBudget.Refusals],
        now: Instant,
        isLast: Bool = false
    ) {
        guard isLast || now - lastTime >= Self.pause else { return }
        lastTime = now
        for crowd in crowds() {
            logger.warning(
                "Too many connections",
                metadata: [
                    "from": "\(crowd.address.map { "\($0)" } ?? "others")",
                    "refused": "\(crowd.count)",
                ]
            )
        }
        let reports = reports()
        for report in reports {
            let before = told.first { $0.name == report.name } ?? SocketReport(name: report.name)
            guard report.trouble != before.trouble else { continue }
            var metadata: Logger.Metadata = [
                "socket": "\(report.name)",
                "connections": "\(report.connectionsOpen)",
                "refused": "\(report.connectionsRefused)",
                "failedHandshakes": "\(report.handshakesFailed)",
            ]
            if report.drops.total > 0 { metadata["dropped"] = "\(report.drops)" }
            logger.notice("Not all that came was in order", metadata: metadata)
        }
        told = reports
    }
}

extension SocketReport {
    /// What is worth telling when it grows; who was refused has been told by name.
    fileprivate var trouble: [UInt64] {
        let untold = drops.total - min(drops.total, drops[.refusedHello])
        return [untold, connectionsRefused, handshakesFailed]
    }
}
