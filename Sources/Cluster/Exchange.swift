public import Model
public import Placement

/// Trips of a step's batches to the workers and back, a layer each.
///
/// Numbers the shares of a batch, waits for every answer, takes each exactly once, and fails with
/// the worker's name when one is silent, lost or refuses. Several trips may be under way: those of
/// one step's micro-batches. They belong together, so when one fails, all are over. A pure value:
/// it never sends, sleeps or reads a clock. The step thread passes `now`, carries the actions out,
/// and uses the same exchange for layer after layer; in the steady state a trip allocates its
/// actions, and no more for many rows than for one.
///
/// The caller's duties: 1. send on `.send`; 2. check an answer's shape, then pass it to `onReply`
/// and add its rows only on `.accept`; 3. call `tick` at `nextDeadline`; 4. pass on every loss.
public struct Exchange: Equatable, Sendable {
    public enum Action: Equatable, Sendable {
        /// `share` is the index in the array that `begin` was given for the trip.
        case send(TripID, share: Int, ShareID, attempt: UInt32, to: Int)
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
        /// Its trip is over, or another attempt took its place.
        case late
        case duplicate
        /// It was computed under another epoch than asked for.
        case wrongEpoch
        /// The share was sent to someone else.
        case wrongWorker
    }

    /// Finds a worker that may compute a share instead of one that failed, or nil.
    ///
    /// The seam for replicas: today no expert has a second home.
    public typealias Replica = (_ trip: TripID, _ share: Int, _ worker: Int) -> Int?

    /// A trip, counted from 0 by its exchange.
    public struct TripID: RawRepresentable, Hashable, Sendable {
        public let rawValue: UInt64

        public init(rawValue: UInt64) { self.rawValue = rawValue }
    }

    public let epoch: Epoch
    public let limits: Limits
    /// Unwanted answers so far, by kind.
    public private(set) var strays = DropCounts()
    /// What the next share will be called.
    public private(set) var nextShare: ShareID

    public let workers: [WorkerName]
    private var nextTrip = TripID(rawValue: 0)
    /// Of the trips under way, and of complete ones that began after one of them; their ids are
    /// consecutive and end before `nextShare`.
    private var pending: [Pending] = []

    /// An exchange under one plan, whose workers shares name by index.
    ///
    /// `firstShare` starts a range that no earlier life of the coordinator used: an answer from
    /// before a restart must not match.
    public init(
        epoch: Epoch,
        workers: [WorkerName],
        firstShare: ShareID,
        limits: Limits = Limits()
    ) {
        self.epoch = epoch
        self.workers = workers
        self.limits = limits
        nextShare = firstShare
    }

    /// Starts a trip: one share for each of `recipients`, indices into the plan's workers.
    ///
    /// The caller bounds how many are under way at once.
    public mutating func begin(
        layer: LayerIndex,
        recipients: some Sequence<Int>,
        now: Instant
    ) -> (trip: TripID, actions: [Action]) {
        forgetCompleteTrips()
        let trip = nextTrip
        nextTrip = TripID(rawValue: trip.rawValue &+ 1)
        let first = pending.count
        for (place, worker) in recipients.enumerated() {
            precondition(workers.indices.contains(worker), "no worker \(worker) in the plan")
            pending.append(
                Pending(
                    trip: trip,
                    layer: layer,
                    place: place,
                    worker: worker,
                    sentAt: now,
                    deadline: now + limits.answerTime
                )
            )
            nextShare = ShareID(rawValue: nextShare.rawValue &+ 1)
        }
        return (trip, (first..<pending.count).map { send($0) })
    }

    /// Whether every share of every trip was answered, or there is no trip.
    public var isComplete: Bool { pending.allSatisfy(\.isAnswered) }

    /// Whether every share of a trip was answered, or the trip is over.
    public func isComplete(_ trip: TripID) -> Bool {
        pending.allSatisfy { $0.isAnswered || $0.trip != trip }
    }

    /// When to call `tick`, or nil while nothing is awaited.
    public var nextDeadline: Instant? {
        pending.lazy.filter { !$0.isAnswered }.map(\.deadline).min()
    }

    /// Workers whose answer is awaited, as indices into the plan's workers, ascending.
    public var awaited: [Int] {
        Set(pending.lazy.filter { !$0.isAnswered }.map(\.worker)).sorted()
    }

    /// Decides about an answer whose shape was found right.
    public mutating func onReply(
        _ id: ShareID,
        attempt: UInt32,
        epoch: Epoch,
        from worker: Int
    ) -> Reply {
        switch find(id, attempt: attempt, epoch: epoch, worker: worker) {
        case .share(let share):
            pending[share].isAnswered = true
            let trip = pending[share].trip
            return .accept(trip, share: pending[share].place, isLast: isComplete(trip))
        case .stray(let stray):
            strays.count(stray.reason)
            return .drop(stray)
        }
    }

    /// Reroutes a share that its worker will not compute, or fails.
    public mutating func onRefused(
        _ id: ShareID,
        attempt: UInt32,
        from worker: Int,
        code: ShareRefusalCode,
        reason: String,
        now: Instant,
        replica: Replica = { _, _, _ in nil }
    ) -> [Action] {
        switch find(id, attempt: attempt, epoch: epoch, worker: worker) {
        case .share(let share):
            return reroute(share, now: now, replica: replica) { name, layer in
                .shareRefused(name, layer, code, reason: reason)
            }
        case .stray(let stray):
            strays.count(stray.reason)
            return []
        }
    }

    /// Reroutes the shares of a worker that is gone, or fails.
    public mutating func onWorkerLost(
        _ worker: Int,
        reason: String,
        now: Instant,
        replica: Replica = { _, _, _ in nil }
    ) -> [Action] {
        var actions: [Action] = []
        // A failure empties the list, but not the indices.
        for share in pending.indices
        where share < pending.count && pending[share].isAwaited(from: worker) {
            let waited = now - pending[share].sentAt
            actions += reroute(share, now: now, replica: replica) { name, layer in
                .workerLost(name, layer, waited: waited, reason: reason)
            }
        }
        return actions
    }

    /// Reroutes overdue shares, or fails.
    public mutating func tick(
        now: Instant,
        replica: Replica = { _, _, _ in nil }
    ) -> [Action] {
        var actions: [Action] = []
        for share in pending.indices
        where share < pending.count && pending[share].isOverdue(now) {
            let waited = now - pending[share].sentAt
            let attempts = pending[share].attempt
            actions += reroute(share, now: now, replica: replica) { name, layer in
                .workerSilent(name, layer, waited: waited, attempts: attempts)
            }
        }
        return actions
    }

    /// Ends every trip; answers still under way will be dropped as late.
    public mutating func cancel() {
        pending.removeAll(keepingCapacity: true)
    }
}

// MARK: - Shares under way

extension Exchange {
    private struct Pending: Equatable {
        let trip: TripID
        let layer: LayerIndex
        /// Index in the array that `begin` was given.
        let place: Int
        var worker: Int
        /// When the first attempt left.
        let sentAt: Instant
        var deadline: Instant
        var attempt: UInt32 = 1
        var isAnswered = false

        func isAwaited(from worker: Int) -> Bool { !isAnswered && self.worker == worker }
        func isOverdue(_ now: Instant) -> Bool { !isAnswered && deadline <= now }
    }

    private enum Match {
        /// The index in `pending` of the share that is answered.
        case share(Int)
        case stray(Stray)
    }

    /// Lets go of trips that nothing is awaited from, up to the first that still is under way.
    private mutating func forgetCompleteTrips() {
        let awaited = pending.lazy.filter { !$0.isAnswered }.map(\.trip.rawValue).min()
        pending.removeAll { $0.trip.rawValue < awaited ?? .max }
    }

    private var firstShare: UInt64 { nextShare.rawValue &- UInt64(pending.count) }

    /// The share that an answer answers.
    private func find(
        _ id: ShareID,
        attempt: UInt32,
        epoch: Epoch,
        worker: Int
    ) -> Match {
        guard id < nextShare else { return .stray(.unknown) }
        guard id.rawValue >= firstShare else { return .stray(.late) }
        let share = Int(id.rawValue - firstShare)
        let expected = pending[share]
        guard attempt <= expected.attempt else { return .stray(.unknown) }
        guard attempt == expected.attempt else { return .stray(.late) }
        guard worker == expected.worker else { return .stray(.wrongWorker) }
        guard epoch == self.epoch else { return .stray(.wrongEpoch) }
        guard !expected.isAnswered else { return .stray(.duplicate) }
        return .share(share)
    }

    private func send(_ share: Int) -> Action {
        .send(
            pending[share].trip,
            share: pending[share].place,
            ShareID(rawValue: firstShare &+ UInt64(share)),
            attempt: pending[share].attempt,
            to: pending[share].worker
        )
    }

    /// Sends a share to the next worker that can compute it, or ends all trips with `failure`.
    private mutating func reroute(
        _ share: Int,
        now: Instant,
        replica: Replica,
        failure: (WorkerName, LayerIndex) -> ExchangeError
    ) -> [Action] {
        let old = pending[share].worker
        guard pending[share].attempt < limits.attempts,
            let worker = replica(pending[share].trip, pending[share].place, old),
            workers.indices.contains(worker)
        else {
            let error = failure(workers[old], pending[share].layer)
            cancel()
            return [.fail(error)]
        }
        pending[share].worker = worker
        pending[share].attempt += 1
        pending[share].deadline = now + limits.answerTime
        return [send(share)]
    }
}
