/// Decides which sequences run, and which tokens of them run in the next step.
///
/// Who runs next: the highest priority, then whose owner had least of the steps so far, then whose
/// first token is wished soon and who takes little time, then who came first. Every sequence that
/// is generating gets one row of a step; what is left of its rows goes to prompts in that order, in
/// chunks. A value: it knows counts, not tokens, reads no clock but is told the time, and knows no
/// memory; who asks it says whether there is room.
public struct Scheduler: Equatable, Sendable {
    /// Bounds of one step and of the engine.
    public struct Limits: Equatable, Sendable {
        /// Rows of one step: enough to reuse each expert's weights, few enough that generating
        /// sequences wait little for a prompt's chunk.
        public var stepRows = 256
        /// The same where experts come from disk and nobody else waits: a step of a prompt needs
        /// nearly all of them, however many rows it has.
        public static let stepRowsFromDisk = 512
        /// Sequences that hold a context at the same time; others queue.
        public var runningSequences = 8
        /// Requests waiting; more are refused at the door.
        public var queuedSequences = 512
        /// Positions of one sequence's context, prompt and answer together.
        public var contextLength = 4096
        /// Who comes in first of one owner and priority.
        public var admission = Admission.objectives

        public init() {}
    }

    public typealias SequenceID = UInt64

    /// A sequence's part of a step.
    public struct Slice: Equatable, Sendable {
        public let sequence: SequenceID
        public let tokenCount: Int
    }

    public let limits: Limits
    private var running: [ScheduledSequence] = []
    private var queue: [ScheduledSequence] = []
    private var shares = FairShares()
    private var arrivalCount: UInt64 = 0
    /// Since its beginning, as far as it was told.
    public private(set) var now = Duration.zero
    /// What steps take, as far as it was told.
    public private(set) var cost = StepCost()
    /// Sequences that had to wait so that others keep their objectives, each once.
    public private(set) var heldBackCount = 0

    public init(limits: Limits) { self.limits = limits }

    public var runningCount: Int { running.count }
    public var queuedCount: Int { queue.count }
    public var isIdle: Bool { running.isEmpty && queue.isEmpty }
    /// Whether another request would have to wait in a queue that has no room.
    public var isFull: Bool {
        let free = max(0, limits.runningSequences - running.count)
        return queue.count - free >= limits.queuedSequences
    }

    // MARK: Time

    /// It is later now.
    public mutating func advance(to time: Duration) { now = max(now, time) }

    /// A step of so many rows was computed.
    public mutating func count(rows: Int, time: Duration) { cost.add(rows: rows, time: time) }

    // MARK: Coming and going

    /// Lets a sequence in, with the length of its prompt.
    ///
    /// - Parameters:
    ///   - priority: higher ones run before all others.
    ///   - owner: among those of one priority, owners take turns.
    ///   - wish: what is expected of it, from now on.
    public mutating func add(
        _ id: SequenceID,
        promptTokenCount: Int,
        priority: Int = 0,
        owner: String = "",
        wish: Wish = Wish()
    ) {
        arrivalCount += 1
        shares.join(owner)
        queue.append(
            ScheduledSequence(
                id: id,
                arrival: arrivalCount,
                at: now,
                promptTokenCount: promptTokenCount,
                priority: priority,
                owner: owner,
                wish: wish
            )
        )
    }

    /// A token was chosen for the sequence and is to be computed.
    public mutating func continueSequence(_ id: SequenceID) {
        guard let index = running.firstIndex(where: { $0.id == id }) else { return }
        running[index].makeToken(at: now)
    }

    public mutating func remove(_ id: SequenceID) {
        for entry in running + queue where entry.id == id { shares.leave(entry.owner) }
        running.removeAll { $0.id == id }
        queue.removeAll { $0.id == id }
    }

    // MARK: Who runs

    /// Who is to run next; nil where nobody waits who is not held back.
    public var next: SequenceID? { indexOfNext(beside: forecast()).map { queue[$0].id } }

    /// The same; who is held back by it is counted.
    public mutating func chooseNext() -> SequenceID? {
        let forecast = self.forecast()
        let next = indexOfNext(beside: forecast)
        if forecast != nil, hasSlot { countHeldBack(before: next.map { place(of: queue[$0]) }) }
        return next.map { queue[$0].id }
    }

    /// Who stands before the one that comes in, or anybody where nobody does.
    private mutating func countHeldBack(before next: Place?) {
        for index in queue.indices where !queue[index].wasHeldBack {
            if let next, !(place(of: queue[index]) < next) { continue }
            queue[index].wasHeldBack = true
            heldBackCount += 1
        }
    }

    /// The first of those who harm nobody.
    private func indexOfNext(beside forecast: Forecast?) -> Int? {
        var best: (index: Int, place: Place)?
        for index in queue.indices {
            let place = self.place(of: queue[index])
            if let best, !(place < best.place) { continue }
            guard !isHeldBack(queue[index], at: place, by: forecast) else { continue }
            best = (index, place)
        }
        return best?.index
    }

    /// Who wishes nothing, was held back for long, or would be late itself after another step, is
    /// not held back.
    private func isHeldBack(
        _ sequence: ScheduledSequence,
        at place: Place,
        by forecast: Forecast?
    ) -> Bool {
        guard let forecast, sequence.wish.isStrict, now < sequence.holdEnd else { return false }
        if let latest = place.standing.latest, latest < now + forecast.stepTime { return false }
        return forecast.isHarmed(by: sequence, standing: place.standing)
    }

    /// What those who run may expect; nil where nobody can be harmed.
    private func forecast() -> Forecast? {
        guard limits.admission == .objectives, !queue.isEmpty,
            running.contains(where: \.wish.isStrict)
        else { return nil }
        return Forecast(
            running: running,
            prompts: prompts.map { running[$0] },
            cost: cost,
            stepRows: limits.stepRows,
            now: now,
            standing: { place(of: $0).standing }
        )
    }

    /// Whether one more may run, as far as their number counts.
    public var hasSlot: Bool { running.count < limits.runningSequences }

    /// Lets a sequence run that waited.
    ///
    /// - Parameter computed: of its tokens, how many need not be computed.
    public mutating func start(_ id: SequenceID, computed: Int = 0) {
        guard let index = queue.firstIndex(where: { $0.id == id }) else { return }
        var entry = queue.remove(at: index)
        entry.pending -= computed
        let place = running.firstIndex { $0.arrival > entry.arrival } ?? running.endIndex
        running.insert(entry, at: place)
    }

    /// Who has to make room for a sequence that waits: the last of those with a lower priority.
    public func victim(for id: SequenceID) -> SequenceID? {
        guard let entry = queue.first(where: { $0.id == id }), let last = last,
            last.priority < entry.priority
        else { return nil }
        return last.id
    }

    /// Who has to make room where a sequence that runs needs it; it may be this one itself.
    public var lastRunning: SequenceID? { last?.id }

    /// Of the lowest priority the one that came last.
    private var last: ScheduledSequence? {
        running.min { ($0.priority, $1.arrival) < ($1.priority, $0.arrival) }
    }

    /// Sends a sequence back to wait; all of its tokens are to be computed again.
    public mutating func interrupt(_ id: SequenceID, tokenCount: Int) {
        guard let index = running.firstIndex(where: { $0.id == id }) else { return }
        var entry = running.remove(at: index)
        entry.pending = tokenCount
        queue.append(entry)
    }

    private func place(of sequence: ScheduledSequence) -> Place {
        Place(
            priority: sequence.priority,
            ownerRows: shares.rows(of: sequence.owner),
            standing: Standing(
                sequence,
                under: limits.admission,
                cost,
                stepRows: limits.stepRows,
                now: now
            )
        )
    }

    /// Indices of those who run and whose prompts are read, in this order.
    private var prompts: [Int] {
        running.indices.filter { running[$0].isReading }
            .sorted { place(of: running[$0]) < place(of: running[$1]) }
    }

    // MARK: The next step

    /// The next step's slices; never more rows than the limit, empty when nothing is pending.
    ///
    /// - Parameter most: rows of this step, where the limit is to be lower for now.
    public mutating func nextStep(most: Int = .max) -> [Slice] {
        var left = min(limits.stepRows, max(1, most))
        var taken = Array(repeating: 0, count: running.count)
        // Generating sequences first: each is one row and a person waits for it.
        for index in running.indices where running[index].pending == 1 && left > 0 {
            taken[index] = 1
            left -= 1
        }
        for index in prompts where left > 0 {
            taken[index] = min(left, running[index].pending)
            left -= taken[index]
        }
        var slices: [Slice] = []
        for index in running.indices where taken[index] > 0 {
            running[index].pending -= taken[index]
            shares.charge(running[index].owner, rows: taken[index])
            slices.append(Slice(sequence: running[index].id, tokenCount: taken[index]))
        }
        return slices
    }
}
