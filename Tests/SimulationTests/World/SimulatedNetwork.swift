import Cluster
import Messaging

/// A network in one thread: connections that delay, break, hold back, double and reorder.
///
/// Behaves as ZeroMQ does over TCP where the daemons can tell: a dealer dials until somebody
/// listens, a router knows its peers by routing id and sends to nobody else, full queues are told,
/// and what was under way on a connection that breaks is lost.
final class SimulatedNetwork {
    /// How bad the network is just now.
    struct Weather {
        var delay: ClosedRange<Int> = 50...500
        /// Messages that vanish, as where a connection breaks and stands again unnoticed.
        var losses = 0.0
        var duplicates = 0.0
        var reorders = 0.0
    }

    let agenda: Agenda
    let chance: Chance
    var weather = Weather()
    private var listeners: [Endpoint: Port] = [:]
    /// All that ever were, so that their end can be seen to.
    private var links: [Link] = []
    private var ports: [Port] = []
    private var lastRoutingID: UInt32 = 0
    /// Sees every message as it is sent.
    var onSend: ((_ from: Process, _ to: Process, _ at: Endpoint, _ frames: [[UInt8]]) -> Void)?

    private(set) var sentCount = 0
    private(set) var lostCount = 0
    private(set) var doubledCount = 0

    init(agenda: Agenda, chance: Chance) {
        self.agenda = agenda
        self.chance = chance
    }

    // MARK: Ends of connections

    func listen(_ endpoint: Endpoint, by process: Process) -> SimulatedSocket {
        let port = Port(process: process, endpoint: endpoint)
        listeners[endpoint] = port
        ports.append(port)
        return SimulatedSocket(.router(port), in: self)
    }

    /// - Parameter isHarsh: whether the bad weather is for this connection too.
    func dial(
        _ endpoint: Endpoint,
        options: SocketOptions,
        by process: Process,
        isHarsh: Bool,
        onOpen: @escaping () -> Void = {},
        onBreak: @escaping () -> Void = {}
    ) -> SimulatedSocket {
        let link = Link(
            process: process,
            endpoint: endpoint,
            options: options,
            isHarsh: isHarsh,
            onOpen: onOpen,
            onBreak: onBreak
        )
        links.append(link)
        agenda.after(chance.time(100...2000)) { self.attempt(link) }
        return SimulatedSocket(.dealer(link), in: self)
    }

    private func attempt(_ link: Link) {
        guard !link.isClosed, link.session == nil else { return }
        guard let port = listeners[link.endpoint], port.process.isAlive, !link.isBlocked else {
            let pause = link.options.longestReconnectPause
            agenda.after(pause / chance.number(1...8)) { self.attempt(link) }
            return
        }
        open(link, to: port)
    }

    private func open(_ link: Link, to port: Port) {
        lastRoutingID += 1
        let made: [UInt8] = [
            0, UInt8(truncatingIfNeeded: lastRoutingID >> 16),
            UInt8(truncatingIfNeeded: lastRoutingID >> 8), UInt8(truncatingIfNeeded: lastRoutingID),
        ]
        let peer = link.options.routingID ?? Peer(made)
        // The newest connection that claims an id has it.
        if let old = port.sessions[peer] { end(old) }
        let session = Session(link: link, port: port, peer: peer, openedAt: agenda.now)
        port.sessions[peer] = session
        link.session = session
        link.onOpen()
        let queued = link.queued
        link.queued = []
        for frames in queued { send(frames, over: session, toRouter: true) }
    }

    // MARK: Messages

    func send(_ frames: [[UInt8]], over link: Link) throws(MessagingError) {
        guard link.process.isAlive, !link.isClosed else { return }
        guard let session = link.session else {
            guard !link.options.requiresConnection,
                link.queued.count < link.options.limits.queuedMessageCount
            else { throw .queueFull(nil) }
            link.queued.append(frames)
            return
        }
        guard session.underWay.toRouter < Self.queueLimit(link.options) else {
            throw .queueFull(nil)
        }
        send(frames, over: session, toRouter: true)
    }

    func send(_ frames: [[UInt8]], from port: Port, to peer: Peer) throws(MessagingError) {
        guard port.process.isAlive else { return }
        guard let session = port.sessions[peer] else { throw .unroutable(peer) }
        guard session.underWay.toDealer < Self.queueLimit(session.link.options) else {
            throw .queueFull(peer)
        }
        send(frames, over: session, toRouter: false)
    }

    /// A queue on each side, as in ZeroMQ.
    private static func queueLimit(_ options: SocketOptions) -> Int {
        2 * options.limits.queuedMessageCount
    }

    private func send(_ frames: [[UInt8]], over session: Session, toRouter: Bool) {
        let (dealer, router) = (session.link.process, session.port.process)
        let (sender, receiver) = toRouter ? (dealer, router) : (router, dealer)
        onSend?(sender, receiver, session.link.endpoint, frames)
        sentCount += 1
        if session.link.isHarsh, chance.happens(weather.losses) {
            lostCount += 1
            return
        }
        let message = ReceivedMessage(peer: toRouter ? session.peer : nil, frames: frames)
        let harsh = session.link.isHarsh
        let delay = chance.time(harsh ? weather.delay : 50...500) + sender.departureDelay
        var arrival = agenda.now + delay
        if !harsh || !chance.happens(weather.reorders) {
            arrival = max(arrival, session.lastArrival(toRouter: toRouter))
            session.noteArrival(arrival, toRouter: toRouter)
        }
        post(message, over: session, toRouter: toRouter, after: arrival - agenda.now)
        guard harsh, chance.happens(weather.duplicates) else { return }
        doubledCount += 1
        let again = arrival - agenda.now + chance.scaledTime(10...3_000_000)
        post(message, over: session, toRouter: toRouter, after: again)
    }

    private func post(
        _ message: ReceivedMessage,
        over session: Session,
        toRouter: Bool,
        after delay: Duration
    ) {
        session.count(1, toRouter: toRouter)
        agenda.after(delay) { self.arrive(message, over: session, toRouter: toRouter) }
    }

    private func arrive(_ message: ReceivedMessage, over session: Session, toRouter: Bool) {
        guard session.isOpen else {
            lostCount += 1
            return
        }
        guard !session.link.isBlocked(toRouter: toRouter) else {
            // Held back in the sender's system, in order, until the way is free.
            session.hold(message, toRouter: toRouter)
            return
        }
        let queue = toRouter ? session.port.queue : session.link.queue
        queue.append(message) { session.count(-1, toRouter: toRouter) }
    }

    // MARK: Faults

    /// Ends a session, as when a connection breaks: both sides forget it, what was under way is
    /// lost, and the dealer dials again.
    func end(_ session: Session) {
        guard session.isOpen else { return }
        session.isOpen = false
        if session.port.sessions[session.peer] === session {
            session.port.sessions[session.peer] = nil
        }
        let link = session.link
        guard link.session === session else { return }
        link.session = nil
        link.onBreak()
        guard !link.isClosed else { return }
        agenda.after(link.options.reconnectPause) { self.attempt(link) }
    }

    /// Closes a dealer's end; what it sent still arrives where it may linger.
    func close(_ link: Link, lingers: Bool) {
        guard !link.isClosed else { return }
        link.isClosed = true
        guard let session = link.session else { return }
        guard lingers, link.options.linger > .zero else { return end(session) }
        let left = max(.zero, session.lastArrival(toRouter: true) - agenda.now)
        agenda.after(min(left, link.options.linger)) { self.end(session) }
    }

    /// Ends all connections of a process that died.
    ///
    /// - Parameter isNoticed: false where even its machine is gone, so that nobody is told.
    func remove(_ process: Process, isNoticed: Bool) {
        for link in links where link.process === process && !link.isClosed {
            if isNoticed {
                close(link, lingers: false)
            } else {
                link.isClosed = true
                if let session = link.session {
                    // The system's keep-alive finds out.
                    agenda.after(.seconds(20)) { self.end(session) }
                }
            }
        }
        listeners = listeners.filter { $0.value.process !== process }
        for link in links {
            if let session = link.session, session.port.process === process { end(session) }
        }
    }

    /// Ends the sockets of a process that leaves in good order: its last words still arrive.
    func retire(_ process: Process) {
        listeners = listeners.filter { $0.value.process !== process }
        for link in links {
            guard let session = link.session, session.port.process === process else { continue }
            let left = max(.zero, session.lastArrival(toRouter: false) - agenda.now)
            agenda.after(left) { self.end(session) }
        }
    }

    /// Forgets everything, so that nothing keeps what it refers to alive.
    func close() {
        for port in ports {
            port.sessions = [:]
            port.queue.clear()
        }
        for link in links {
            link.session = nil
            link.queue.clear()
        }
        ports = []
        listeners = [:]
        links = []
        onSend = nil
    }

    /// The connections of a process that stand, in the order in which it dialled.
    func links(of process: Process) -> [Link] {
        links.filter { $0.process === process && !$0.isClosed }
    }

    /// Frees or blocks one or both ways of a link.
    func block(_ link: Link, toRouter: Bool, toDealer: Bool) {
        link.blocked = (toRouter, toDealer)
        guard let session = link.session else { return }
        for way in [true, false] where !link.isBlocked(toRouter: way) {
            for message in session.release(toRouter: way) {
                arrive(message, over: session, toRouter: way)
            }
        }
    }
}
