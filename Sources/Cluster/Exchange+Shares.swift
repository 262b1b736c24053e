import Model
import Placement

// What the exchange knows about shares under way, and how they go from one worker to others.
extension Exchange {
    /// A part of the step's rows: its latest trip and the memory of its shares.
    struct Part: Equatable {
        /// The largest number is that of no trip.
        var trip = TripID(rawValue: .max)
        var layer = LayerIndex(0)
        var shares = ShareList()
    }

    /// How a share stands.
    enum State: Equatable {
        case awaited
        /// Nobody who serves can compute it.
        case parked
        case answered
        /// Its pairs were given to others.
        case withdrawn
    }

    /// A share under way, or what became of it.
    struct Pending: Equatable {
        let trip: TripID
        let part: Int
        /// Among the shares of its part.
        let place: Int
        /// Meaningless while it is parked.
        var worker: Int
        /// Of the plan that it was split by.
        let epoch: Epoch
        /// When its pairs were first sent, or first waited.
        let begun: Instant
        var deadline: Instant
        let attempt: UInt32
        var state: State
        /// Workers that would not compute it.
        var tried: [Int]

        /// Whether something is to come of it.
        var isOpen: Bool { state == .awaited || state == .parked }
        func isAwaited(from worker: Int) -> Bool { state == .awaited && self.worker == worker }
        func isDue(_ now: Instant) -> Bool { isOpen && deadline <= now }
    }

    /// What goes over from a share to those that its pairs are given to.
    struct Attempt {
        var begun: Instant
        var number: UInt32 = 1
        var tried: [Int] = []
        /// When pairs that wait have waited too long, if they waited before.
        var patience: Instant?
    }

    enum Match {
        /// The index in `pending` of the share that is answered.
        case share(Int)
        case stray(Stray)
    }

    private var firstShare: UInt64 { nextShare.rawValue &- UInt64(pending.count) }

    /// Where a share is in `pending`, or nil where it is not known, any more or yet.
    func index(of id: ShareID) -> Int? {
        guard id < nextShare, id.rawValue >= firstShare else { return nil }
        return Int(id.rawValue - firstShare)
    }

    /// The share that an answer answers.
    ///
    /// - Parameter epoch: nil where the answer names none.
    func find(_ id: ShareID, attempt: UInt32, epoch: Epoch?, worker: Int) -> Match {
        guard id < nextShare else { return .stray(.unknown) }
        guard id.rawValue >= firstShare else { return .stray(.late) }
        let share = Int(id.rawValue - firstShare)
        let expected = pending[share]
        guard expected.state != .parked, attempt == expected.attempt else {
            return .stray(.unknown)
        }
        guard worker == expected.worker else { return .stray(.wrongWorker) }
        guard epoch ?? expected.epoch == expected.epoch else { return .stray(.wrongEpoch) }
        guard expected.state != .withdrawn else { return .stray(.late) }
        guard expected.state != .answered else { return .stray(.duplicate) }
        return .share(share)
    }

    /// Lets go of trips that nothing is awaited from, up to the first that still is under way.
    mutating func forgetCompleteTrips() {
        let first = pending.firstIndex { $0.isOpen || !isComplete($0.trip) }
        pending.removeFirst(first ?? pending.count)
    }

    /// Notes a share of a part, and says what to do about it.
    mutating func enqueue(
        _ place: Int,
        of part: Int,
        as attempt: Attempt,
        now: Instant
    ) -> Action {
        let worker = parts[part].shares[place].worker
        let trip = parts[part].trip
        let id = nextShare
        nextShare = ShareID(rawValue: nextShare.rawValue &+ 1)
        pending.append(
            Pending(
                trip: trip,
                part: part,
                place: place,
                worker: worker ?? -1,
                epoch: epoch,
                begun: attempt.begun,
                deadline: worker == nil
                    ? attempt.patience ?? now + limits.absenceTime : now + limits.answerTime,
                attempt: attempt.number,
                state: worker == nil ? .parked : .awaited,
                tried: attempt.tried
            )
        )
        guard let worker else {
            return .park(trip, parts[part].layer, experts: experts(place, of: part))
        }
        return .send(trip, share: place, id, attempt: attempt.number, to: worker)
    }

    /// Withdraws every share that is awaited from a worker.
    mutating func withdraw(
        from worker: Int,
        counts: Bool = true,
        now: Instant,
        _ error: (WorkerName, Pending, LayerIndex) -> ExchangeError
    ) -> [Action] {
        var actions: [Action] = []
        for share in pending.indices
        where share < pending.count && pending[share].isAwaited(from: worker) {
            let layer = parts[pending[share].part].layer
            let error = error(workers[worker], pending[share], layer)
            actions += redispatch(share, after: error, counts: counts, now: now)
        }
        return actions
    }

    /// Gives the pairs of a share to others that serve and were not tried, or ends all trips.
    ///
    /// What nobody serves waits; what only those hold that would not compute it is given up.
    ///
    /// - Parameter counts: whether the worker had its chance; if not, time alone sets an end.
    mutating func redispatch(
        _ share: Int,
        after error: ExchangeError,
        counts: Bool = true,
        now: Instant
    ) -> [Action] {
        let old = pending[share]
        let number = counts ? old.attempt + 1 : old.attempt
        guard number <= limits.attempts, counts || now - old.begun < limits.absenceTime else {
            return fail(error)
        }
        let next = Attempt(begun: old.begun, number: number, tried: old.tried)
        return split(share, as: next, now: now) ?? fail(error)
    }

    /// Gives what waits to those who can compute it now; the rest waits on.
    mutating func unpark(now: Instant) -> [Action] {
        var actions: [Action] = []
        for share in pending.indices where pending[share].state == .parked {
            let old = pending[share]
            guard canCompute(someOf: old) else { continue }
            let next = Attempt(
                begun: old.begun,
                number: old.attempt,
                tried: old.tried,
                patience: old.deadline
            )
            actions += split(share, as: next, now: now) ?? []
        }
        return actions
    }

    /// Splits a share anew; nil, and nothing changed, where that is hopeless.
    private mutating func split(_ share: Int, as next: Attempt, now: Instant) -> [Action]? {
        let part = pending[share].part
        var available = isServing
        for worker in next.tried where available.indices.contains(worker) {
            available[worker] = false
        }
        let places = dispatch.split(
            shareAt: pending[share].place,
            layer: parts[part].layer,
            among: available,
            in: &parts[part].shares
        )
        guard !places.contains(where: { isHopeless($0, of: part) }) else { return nil }
        pending[share].state = .withdrawn
        return places.map { enqueue($0, of: part, as: next, now: now) }
    }

    /// Whether a share that nobody may be asked for has an expert that somebody who serves holds:
    /// that one was asked, and would not.
    private func isHopeless(_ place: Int, of part: Int) -> Bool {
        guard parts[part].shares[place].worker == nil else { return false }
        return homes(place, of: part).contains { $0.contains { isServing[$0] } }
    }

    private func canCompute(someOf share: Pending) -> Bool {
        homes(share.place, of: share.part).contains { homes in
            homes.contains { isServing[$0] && !share.tried.contains($0) }
        }
    }

    /// `[pair]`, who may compute each pair of a share.
    private func homes(_ place: Int, of part: Int) -> [[Int]] {
        let share = parts[part].shares[place]
        return share.pairExperts.indices.map { pair in
            dispatch.homes(ofPair: pair, in: share, layer: parts[part].layer)
        }
    }

    /// The experts of a share, ascending.
    private func experts(_ place: Int, of part: Int) -> [Int] {
        Set(parts[part].shares[place].pairExperts).sorted().map(Int.init)
    }

    mutating func fail(_ error: ExchangeError) -> [Action] {
        cancel()
        return [.fail(error)]
    }

    /// Nobody who could compute a share came in time.
    mutating func giveUpWaiting(_ share: Int, _ now: Instant) -> [Action] {
        let old = pending[share]
        let layer = parts[old.part].layer
        let experts = experts(old.place, of: old.part)
        let homes = homes(old.place, of: old.part).flatMap { $0 }
        return fail(
            .expertsMissing(
                layer,
                experts: experts,
                of: Set(homes).sorted().map { workers[$0] },
                waited: now - old.deadline + limits.absenceTime
            )
        )
    }
}
