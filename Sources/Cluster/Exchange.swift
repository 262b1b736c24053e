public import Model
public import Placement

/// Trips of a step's batches to the workers and back, a layer each.
///
/// Splits a batch into shares, numbers them, waits for every answer and takes each exactly once.
/// A share whose worker is lost, silent or refuses is withdrawn: its pairs of rows and experts go
/// to whoever holds copies, in as many shares as that takes. Where nobody that serves holds them,
/// they wait until somebody does. So a trip fails only where every copy was asked in vain, too
/// often, or nobody came in time; then all trips under way are over, for they belong to one step.
///
/// A pure value: it never sends, sleeps or reads a clock. The step thread passes `now`, carries the
/// actions out, and uses the same exchange for layer after layer; in the steady state a trip
/// allocates its actions, and no more for many rows than for one.
///
/// The caller's duties: 1. send on `.send`; 2. pass an answer to `onReply` and add its rows only on
/// `.accept`, or `reject` it; 3. call `tick` at `nextDeadline`; 4. pass on every loss, and who
/// serves.
public struct Exchange: Equatable, Sendable {
    public enum Action: Equatable, Sendable {
        /// `share` is its place among those of the trip.
        case send(TripID, share: Int, ShareID, attempt: UInt32, to: Int)
        /// Nobody who serves holds these experts: the trip waits.
        case park(TripID, LayerIndex, experts: [Int])
        /// The worker did not answer in time: its present life is not asked any more.
        case giveUp(Int)
        /// Every trip is over without a result; answers still under way will be dropped.
        case fail(ExchangeError)
    }

    /// What to do with an answer.
    public enum Reply: Equatable, Sendable {
        /// Add its rows. After the last one the trip is complete.
        case accept(TripID, share: Int, isLast: Bool)
        case drop(Stray)
    }

    /// Why an answer is not wanted.
    public enum Stray: Equatable, Sendable {
        /// No such share was ever sent.
        case unknown
        /// Its trip is over, or its pairs were given to others.
        case late
        case duplicate
        /// It was computed under another epoch than asked for.
        case wrongEpoch
        /// The share was sent to someone else.
        case wrongWorker
    }

    /// A trip, counted from 0 by its exchange.
    public struct TripID: RawRepresentable, Hashable, Sendable {
        public let rawValue: UInt64

        public init(rawValue: UInt64) { self.rawValue = rawValue }
    }

    public let limits: Limits
    /// Unwanted answers so far, by kind.
    public private(set) var strays = DropCounts()
    /// What the next share will be called.
    public internal(set) var nextShare: ShareID
    /// The plan in force, as shares are split by.
    public internal(set) var dispatch: Dispatch
    /// `[worker]`, whether it may be asked.
    public internal(set) var isServing: [Bool]

    private var nextTrip = TripID(rawValue: 0)
    /// Shares of the trips under way, and of complete ones that began after one of them; their ids
    /// are consecutive and end before `nextShare`.
    var pending: [Pending] = []
    /// Batches of the step, by part; of those that are over the memory is kept.
    var parts: [Part] = []

    /// An exchange under one plan, whose workers shares name by index; nobody serves yet.
    ///
    /// `firstShare` starts a range that no earlier life of the coordinator used: an answer from
    /// before a restart must not match.
    public init(dispatch: Dispatch, firstShare: ShareID, limits: Limits = Limits()) {
        self.dispatch = dispatch
        self.limits = limits
        isServing = Array(repeating: false, count: dispatch.workers.count)
        nextShare = firstShare
    }

    public var epoch: Epoch { dispatch.epoch }
    public var workers: [WorkerName] { dispatch.workers }

    /// Whether every expert is held by a worker that serves.
    public var isCovered: Bool { dispatch.isCovered(by: isServing) }

    /// Starts a trip with a batch, which is one part of the step's rows.
    ///
    /// The caller bounds how many parts there are.
    ///
    /// - Precondition: the part's trip before is over.
    public mutating func begin(
        part: Int,
        layer: LayerIndex,
        routing: Routing,
        now: Instant
    ) -> (trip: TripID, actions: [Action]) {
        forgetCompleteTrips()
        while parts.count <= part { parts.append(Part()) }
        precondition(
            isComplete(parts[part].trip),
            "part \(part) begins a trip before its last is over"
        )
        let trip = nextTrip
        nextTrip = TripID(rawValue: trip.rawValue &+ 1)
        parts[part].trip = trip
        parts[part].layer = layer
        dispatch.split(routing, layer: layer, among: isServing, into: &parts[part].shares)
        var actions: [Action] = []
        actions.reserveCapacity(parts[part].shares.count)
        for place in 0..<parts[part].shares.count {
            actions.append(enqueue(place, of: part, as: Attempt(begun: now), now: now))
        }
        return (trip, actions)
    }

    /// A share of a trip under way.
    public func share(_ place: Int, of trip: TripID) -> WorkerShare? {
        parts.first { $0.trip == trip }?.shares[place]
    }

    /// The epoch that a share was made under, or nil where its answer is awaited no more.
    public func epoch(of share: ShareID) -> Epoch? {
        index(of: share).flatMap { pending[$0].state == .awaited ? pending[$0].epoch : nil }
    }

    /// Whether every share of every trip was answered, or there is no trip.
    public var isComplete: Bool { !pending.contains { $0.isOpen } }

    /// Whether every share of a trip was answered, or the trip is over.
    public func isComplete(_ trip: TripID) -> Bool {
        !pending.contains { $0.isOpen && $0.trip == trip }
    }

    /// Whether part of a trip waits for somebody who can compute it.
    public var isParked: Bool { pending.contains { $0.state == .parked } }

    /// Whether an answer to a share of an older plan is awaited.
    ///
    /// Its worker needs what that plan gave it.
    public var awaitsOlderPlan: Bool {
        pending.contains { $0.state == .awaited && $0.epoch != epoch }
    }

    /// When to call `tick`, or nil while nothing is awaited.
    public var nextDeadline: Instant? {
        pending.lazy.filter(\.isOpen).map(\.deadline).min()
    }

    /// Workers whose answer is awaited, as indices into the plan's workers, ascending.
    public var awaited: [Int] {
        Set(pending.lazy.filter { $0.state == .awaited }.map(\.worker)).sorted()
    }

    /// Ends every trip; answers still under way will be dropped as late.
    public mutating func cancel() {
        pending.removeAll(keepingCapacity: true)
    }
}

// MARK: - What workers do

extension Exchange {
    /// Decides about an answer.
    public mutating func onReply(
        _ id: ShareID,
        attempt: UInt32,
        epoch: Epoch,
        from worker: Int
    ) -> Reply {
        switch find(id, attempt: attempt, epoch: epoch, worker: worker) {
        case .share(let share):
            pending[share].state = .answered
            let trip = pending[share].trip
            return .accept(trip, share: pending[share].place, isLast: isComplete(trip))
        case .stray(let stray):
            strays.count(stray.reason)
            return .drop(stray)
        }
    }

    /// Takes back that an answer was accepted, because it does not fit its share.
    ///
    /// The share goes to others, as if it had been refused.
    public mutating func reject(
        _ place: Int,
        of trip: TripID,
        reason: String,
        now: Instant
    ) -> [Action] {
        let match = pending.firstIndex {
            $0.trip == trip && $0.place == place && $0.state == .answered
        }
        guard let share = match else { return [] }
        pending[share].state = .awaited
        return refuse(share, .malformed, reason: reason, now: now)
    }

    /// Gives a share that its worker will not compute to others, or fails.
    public mutating func onRefused(
        _ id: ShareID,
        attempt: UInt32,
        from worker: Int,
        code: ShareRefusalCode,
        reason: String,
        now: Instant
    ) -> [Action] {
        switch find(id, attempt: attempt, epoch: nil, worker: worker) {
        case .share(let share):
            return refuse(share, code, reason: reason, now: now)
        case .stray(let stray):
            strays.count(stray.reason)
            return []
        }
    }

    private mutating func refuse(
        _ share: Int,
        _ code: ShareRefusalCode,
        reason: String,
        now: Instant
    ) -> [Action] {
        let worker = pending[share].worker
        // One that leaves is as good as gone; one that cannot compute this may compute others.
        if code == .draining {
            isServing[worker] = false
        } else {
            pending[share].tried.append(worker)
        }
        let layer = parts[pending[share].part].layer
        let error = ExchangeError.shareRefused(workers[worker], layer, code, reason: reason)
        return redispatch(share, after: error, now: now)
    }

    /// Asks a worker that is gone for nothing more, and gives its shares to others, or fails.
    ///
    /// - Parameter wasReached: false where its shares never came to it, which does not count as an
    ///   attempt.
    public mutating func onWorkerLost(
        _ worker: Int,
        reason: String,
        wasReached: Bool = true,
        now: Instant
    ) -> [Action] {
        isServing[worker] = false
        // Its next life may do what this one would not.
        for share in pending.indices { pending[share].tried.removeAll { $0 == worker } }
        return withdraw(from: worker, counts: wasReached, now: now) { name, pending, layer in
            .workerLost(name, layer, waited: now - pending.begun, reason: reason)
        }
    }

    /// Takes back a share that never left, because another plan came into force meanwhile.
    ///
    /// Its pairs go to whoever the present plan names, which does not count as an attempt.
    public mutating func recall(_ id: ShareID, now: Instant) -> [Action] {
        guard let share = index(of: id), pending[share].state == .awaited else { return [] }
        let old = pending[share]
        let error = ExchangeError.workerLost(
            workers[old.worker],
            parts[old.part].layer,
            waited: now - old.begun,
            reason: "its data connection was not there before the plan changed"
        )
        return redispatch(share, after: error, counts: false, now: now)
    }

    /// Gives overdue shares to others, and fails what has waited too long.
    public mutating func tick(now: Instant) -> [Action] {
        var actions: [Action] = []
        // A failure empties the list, and others make it longer: neither is due.
        for share in pending.indices where share < pending.count && pending[share].isDue(now) {
            guard pending[share].state == .awaited else {
                return actions + giveUpWaiting(share, now)
            }
            let worker = pending[share].worker
            isServing[worker] = false
            actions.append(.giveUp(worker))
            actions += withdraw(from: worker, now: now) { name, pending, layer in
                let waited = now - pending.begun
                return .workerSilent(name, layer, waited: waited, attempts: pending.attempt)
            }
        }
        return actions
    }

    /// Follows who serves; what waits goes to whoever can compute it now.
    ///
    /// What a worker was sent that serves no more is still awaited, until it is lost.
    public mutating func follow(_ serving: [Bool], now: Instant) -> [Action] {
        precondition(serving.count == workers.count, "\(serving.count) of \(workers.count) workers")
        isServing = serving
        return unpark(now: now)
    }

    /// Whether trips under way can go on under another plan.
    ///
    /// Where they ask for shards, other shards of the same experts do not add up with them.
    public func canAdopt(_ dispatch: Dispatch) -> Bool {
        pending.allSatisfy { share in
            !share.isOpen
                || self.dispatch.hasSameShards(
                    as: dispatch,
                    in: parts[share.part].shares[share.place],
                    of: parts[share.part].layer
                )
        }
    }

    /// Goes on under another plan, in the middle of trips too: who computes does not show.
    ///
    /// - Precondition: `canAdopt` says so.
    public mutating func adopt(
        _ dispatch: Dispatch,
        serving: [Bool],
        now: Instant
    ) -> [Action] {
        precondition(canAdopt(dispatch), "trips under way mean other shards")
        let names = workers
        self.dispatch = dispatch
        isServing = serving
        var actions: [Action] = []
        var strangers: [Int] = []
        for share in pending.indices {
            pending[share].tried = []
            guard pending[share].state == .awaited else { continue }
            let worker = workers.firstIndex(of: names[pending[share].worker])
            if worker == nil { strangers.append(share) }
            pending[share].worker = worker ?? pending[share].worker
        }
        for share in strangers where share < pending.count {
            let name = names[pending[share].worker]
            let waited = now - pending[share].begun
            let layer = parts[pending[share].part].layer
            let reason = "the plan of epoch \(epoch) does not name it"
            let error = ExchangeError.workerLost(name, layer, waited: waited, reason: reason)
            actions += redispatch(share, after: error, now: now)
        }
        return actions + unpark(now: now)
    }
}
