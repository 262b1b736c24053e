import Cluster
import Messaging

/// Messages that have arrived at a socket and were not taken.
final class ArrivalQueue {
    private var messages: [(ReceivedMessage, onTake: () -> Void)] = []
    private var first = 0
    private(set) var longest = 0

    var isEmpty: Bool { first == messages.count }

    func append(_ message: ReceivedMessage, onTake: @escaping () -> Void) {
        messages.append((message, onTake))
        longest = max(longest, messages.count - first)
    }

    func clear() {
        messages = []
        first = 0
    }

    func take() -> ReceivedMessage? {
        guard !isEmpty else {
            clear()
            return nil
        }
        defer { first += 1 }
        messages[first].onTake()
        return messages[first].0
    }
}

/// A router's side: where dealers dial.
final class Port {
    let process: Process
    let endpoint: Endpoint
    let queue = ArrivalQueue()
    var sessions: [Peer: Session] = [:]

    init(process: Process, endpoint: Endpoint) {
        self.process = process
        self.endpoint = endpoint
    }
}

/// A dealer's side; over time it has one session after another.
final class Link {
    let process: Process
    let endpoint: Endpoint
    let options: SocketOptions
    let isHarsh: Bool
    let onOpen: () -> Void
    let onBreak: () -> Void
    let queue = ArrivalQueue()
    var session: Session?
    /// Sent before there was a session.
    var queued: [[[UInt8]]] = []
    var isClosed = false
    var blocked = (toRouter: false, toDealer: false)

    init(
        process: Process,
        endpoint: Endpoint,
        options: SocketOptions,
        isHarsh: Bool,
        onOpen: @escaping () -> Void,
        onBreak: @escaping () -> Void
    ) {
        self.process = process
        self.endpoint = endpoint
        self.options = options
        self.isHarsh = isHarsh
        self.onOpen = onOpen
        self.onBreak = onBreak
    }

    var isBlocked: Bool { blocked.toRouter || blocked.toDealer }

    func isBlocked(toRouter: Bool) -> Bool { toRouter ? blocked.toRouter : blocked.toDealer }
}

/// One standing connection.
final class Session {
    let link: Link
    let port: Port
    let peer: Peer
    let openedAt: Instant
    var isOpen = true
    /// Messages sent and not taken yet.
    private(set) var underWay = (toRouter: 0, toDealer: 0)
    private var lastArrivals = (
        toRouter: Instant(nanoseconds: 0), toDealer: Instant(nanoseconds: 0)
    )
    private var held = (toRouter: [ReceivedMessage](), toDealer: [ReceivedMessage]())

    init(link: Link, port: Port, peer: Peer, openedAt: Instant) {
        self.link = link
        self.port = port
        self.peer = peer
        self.openedAt = openedAt
    }

    func lastArrival(toRouter: Bool) -> Instant {
        toRouter ? lastArrivals.toRouter : lastArrivals.toDealer
    }

    func noteArrival(_ instant: Instant, toRouter: Bool) {
        if toRouter { lastArrivals.toRouter = instant } else { lastArrivals.toDealer = instant }
    }

    func count(_ change: Int, toRouter: Bool) {
        if toRouter { underWay.toRouter += change } else { underWay.toDealer += change }
    }

    func hold(_ message: ReceivedMessage, toRouter: Bool) {
        if toRouter { held.toRouter.append(message) } else { held.toDealer.append(message) }
    }

    func release(toRouter: Bool) -> [ReceivedMessage] {
        defer { if toRouter { held.toRouter = [] } else { held.toDealer = [] } }
        return toRouter ? held.toRouter : held.toDealer
    }
}

/// A socket of the simulated network, as the daemons' loops hold it.
final class SimulatedSocket: MessageSocket {
    enum End {
        case router(Port)
        case dealer(Link)
    }

    private let end: End
    private let network: SimulatedNetwork

    init(_ end: End, in network: SimulatedNetwork) {
        self.end = end
        self.network = network
    }

    deinit { if case .dealer(let link) = end { network.close(link, lingers: true) } }

    private var queue: ArrivalQueue {
        switch end {
        case .router(let port): port.queue
        case .dealer(let link): link.queue
        }
    }

    var hasArrivals: Bool { !queue.isEmpty }
    var longestQueue: Int { queue.longest }

    func send(_ frames: [[UInt8]], to peer: Peer?) throws(MessagingError) {
        switch (end, peer) {
        case (.router(let port), let peer?): try network.send(frames, from: port, to: peer)
        case (.dealer(let link), nil): try network.send(frames, over: link)
        default: preconditionFailure("a router names a peer, a dealer none")
        }
    }

    func receive() throws(MessagingError) -> ReceivedMessage? { queue.take() }
}
