import Model
public import Placement

/// A worker's side of its control connection: hello, experts, heartbeats, and coming back.
///
/// Finds the coordinator again after every loss, keeps its experts meanwhile, and loads only what
/// it does not hold. A pure value: the caller passes `now`, carries the actions out in order, and
/// calls `tick` at `nextDeadline`, after passing on what has arrived. It reads no file: loading is
/// the caller's, who reports back.
public struct WorkerSession: Equatable, Sendable {
    public let identity: Identity
    public let limits: Limits
    public internal(set) var phase = Phase.idle
    public internal(set) var loading = Loading.none
    /// Given by the last welcome; says who sends the heartbeats.
    public private(set) var incarnation = Incarnation.unnumbered
    /// Of the last assignment that was held completely; nil once part of it was dropped.
    public internal(set) var heldEpoch: Epoch?
    public private(set) var isDraining = false

    /// Experts and shards in memory, verified.
    var held: [ExpertSlice: AssignedExpert] = [:]
    /// Of experts assigned in two parts, those that only plans to come mean.
    var later: [ExpertSlice] = []
    var manifest: Manifest?
    /// Of the latest assignment: what comes later and has a lower one is out of date.
    var lastSerial: UInt64 = 0
    private var heartbeatInterval: Duration
    private var silenceLimit: Duration
    private var lastHeard = Instant(nanoseconds: 0)
    private var lastHello = Instant(nanoseconds: .min)
    private var nextHeartbeat = Instant.distantFuture
    private var drainDeadline = Instant.distantFuture
    private var sequence: UInt64 = 0
    /// Hellos in a row that led nowhere.
    private var failures = 0
    private var jitter: SeededRandom

    /// A session that has not begun.
    ///
    /// The seed makes the waits between hellos differ between workers, so that a whole cluster
    /// does not knock at the same moment.
    public init(identity: Identity, seed: UInt64, limits: Limits = Limits()) {
        self.identity = identity
        self.limits = limits
        heartbeatInterval = limits.shortestHeartbeatInterval
        silenceLimit = limits.longestSilence
        jitter = SeededRandom(seed: seed)
    }

    public mutating func start(now: Instant) -> [Action] {
        guard phase == .idle else { return [] }
        return reconnect(now: now)
    }

    /// When to call `tick`, or nil after the end.
    public var nextDeadline: Instant? {
        let next: Instant
        switch phase {
        case .idle, .stopped: return nil
        case .waiting(let until), .greeting(let until), .refused(_, _, let until): next = until
        case .welcomed: next = min(nextHeartbeat, lastHeard + silenceLimit, loading.retryAt)
        }
        return min(next, drainDeadline)
    }

    public mutating func tick(now: Instant) -> [Action] {
        guard !isDraining || now < drainDeadline else {
            return stop(reason: "did not drain in time")
        }
        switch phase {
        case .idle, .stopped:
            return []
        case .waiting(let until), .refused(_, _, let until):
            return until <= now ? reconnect(now: now) : []
        case .greeting(let until):
            guard until <= now else { return [] }
            phase = .waiting(until: now + nextWait())
            return []
        case .welcomed:
            return tickWelcomed(now: now)
        }
    }

    private mutating func tickWelcomed(now: Instant) -> [Action] {
        guard now - lastHeard < silenceLimit else {
            return isDraining ? stop(reason: "drained") : reconnect(now: now)
        }
        var actions: [Action] = []
        if nextHeartbeat <= now {
            sequence &+= 1
            nextHeartbeat = now + heartbeatInterval
            actions.append(.sendHeartbeat(sequence: sequence, incarnation))
        }
        if loading.retryAt <= now {
            loading = .none
            actions += greet(now: now)
        }
        return actions
    }
}

// MARK: - From the coordinator

extension WorkerSession {
    public mutating func onWelcome(_ welcome: Welcome, now: Instant) -> [Action] {
        guard phase != .idle, phase != .stopped else { return [] }
        phase = .welcomed
        failures = 0
        // A coordinator that knows this life goes on counting, whatever life of its own it is in.
        if welcome.incarnation != incarnation { lastSerial = 0 }
        incarnation = welcome.incarnation
        heartbeatInterval = min(
            max(welcome.heartbeatInterval, limits.shortestHeartbeatInterval),
            limits.longestHeartbeatInterval
        )
        silenceLimit = min(
            max(welcome.silenceLimit, heartbeatInterval * 2),
            limits.longestSilence
        )
        lastHeard = now
        nextHeartbeat = now + heartbeatInterval
        return []
    }

    /// Waits and says hello again: soon, or late where someone must change something first.
    public mutating func onRefusal(
        _ code: RefusalCode,
        reason: String,
        now: Instant
    ) -> [Action] {
        guard phase != .idle, phase != .stopped else { return [] }
        if code == .helloExpected {
            // One hello answers all the refusals that a restarted coordinator sends meanwhile.
            return now - lastHello < limits.firstWait ? [] : greet(now: now)
        }
        let wait = code.isPermanent ? limits.permanentRefusalWait : nextWait()
        phase = .refused(code, shortened(reason), until: now + wait)
        return []
    }

    public mutating func onHeartbeatReply(now: Instant) {
        lastHeard = max(lastHeard, now)
    }

    /// The coordinator asks the worker to leave once it has computed what it was sent.
    ///
    /// The caller then calls `onIdle` as soon as nothing is being computed.
    public mutating func onDrain(now: Instant) -> [Action] {
        lastHeard = max(lastHeard, now)
        beginDraining(now: now)
        return []
    }

    mutating func hear(now: Instant) -> Bool {
        guard phase == .welcomed else { return false }
        lastHeard = max(lastHeard, now)
        return true
    }
}

// MARK: - From the worker itself

extension WorkerSession {
    /// Leaves once nothing is being computed; the caller then calls `onIdle`.
    public mutating func drain(now: Instant) -> [Action] {
        guard !isDraining else { return [] }
        beginDraining(now: now)
        return phase == .welcomed ? [.announceDrain] : []
    }

    /// Nothing is being computed, and everything computed was sent.
    public mutating func onIdle() -> [Action] {
        isDraining ? stop(reason: "drained") : []
    }

    /// Leaves at once.
    public mutating func stop(reason: String) -> [Action] {
        guard phase != .stopped else { return [] }
        let wasWelcomed = phase == .welcomed
        phase = .stopped
        drainDeadline = .distantFuture
        return wasWelcomed ? [.sayGoodbye(reason), .stop] : [.stop]
    }

    private mutating func beginDraining(now: Instant) {
        guard !isDraining, phase != .stopped else { return }
        isDraining = true
        drainDeadline = now + limits.drainTime
    }
}

// MARK: - Saying hello

extension WorkerSession {
    /// Opens a new connection, so that nothing queued on the old one arrives later.
    private mutating func reconnect(now: Instant) -> [Action] {
        [.connect] + greet(now: now)
    }

    private mutating func greet(now: Instant) -> [Action] {
        phase = .greeting(until: now + limits.welcomeTime)
        lastHello = now
        return [
            .sayHello(
                Membership.Hello(
                    protocolVersion: identity.protocolVersion,
                    name: identity.name,
                    incarnation: incarnation,
                    model: identity.model ?? (held.isEmpty ? nil : manifest?.model),
                    heldEpoch: heldEpoch,
                    heldExpertCount: held.count
                )
            )
        ]
    }

    /// Doubles with every failure up to the longest wait, less up to half of it by chance.
    private mutating func nextWait() -> Duration {
        let longest = max(limits.longestWait.clampedNanoseconds, 2)
        var wait = min(max(limits.firstWait.clampedNanoseconds, 2), longest)
        for _ in 0..<failures where wait < longest {
            wait = wait > longest / 2 ? longest : wait * 2
        }
        failures = min(failures + 1, Self.mostDoublings)
        return .nanoseconds(wait - Int64.random(in: 0...wait / 2, using: &jitter))
    }

    func shortened(_ reason: String) -> String {
        String(decoding: reason.utf8.prefix(limits.reasonByteCount), as: UTF8.self)
    }

    /// More would double past the range of time.
    private static let mostDoublings = 63
}
