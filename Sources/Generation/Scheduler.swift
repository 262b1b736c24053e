/// Decides which sequences run, and which tokens of them run in the next step.
///
/// Who runs next: the highest priority, then whose owner had least of the steps so far, then whose
/// first token is due first, then who came first. Every sequence that is generating gets one row of
/// a step; what is left of its rows goes to prompts in that order, in chunks. A value: it knows
/// counts, not tokens, reads no clock, and knows no memory; who asks it says whether there is room.
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

        public init() {}
    }

    public typealias SequenceID = UInt64

    /// A sequence's part of a step.
    public struct Slice: Equatable, Sendable {
        public let sequence: SequenceID
        public let tokenCount: Int
    }

    private struct Entry: Equatable, Sendable {
        let id: SequenceID
        /// Counts those who came; one that is interrupted keeps its place.
        let arrival: UInt64
        let priority: Int
        let owner: String
        let due: ContinuousClock.Instant?
        /// Tokens known but not computed yet: the rest of a prompt, or the one just chosen.
        var pending: Int
    }

    public let limits: Limits
    private var running: [Entry] = []
    private var queue: [Entry] = []
    private var shares = FairShares()
    private var arrivalCount: UInt64 = 0

    public init(limits: Limits) { self.limits = limits }

    public var runningCount: Int { running.count }
    public var queuedCount: Int { queue.count }
    public var isIdle: Bool { running.isEmpty && queue.isEmpty }
    /// Whether another request would have to wait in a queue that has no room.
    public var isFull: Bool {
        let free = max(0, limits.runningSequences - running.count)
        return queue.count - free >= limits.queuedSequences
    }

    // MARK: Coming and going

    /// Lets a sequence in, with the length of its prompt.
    ///
    /// - Parameters:
    ///   - priority: higher ones run before all others.
    ///   - owner: among those of one priority, owners take turns.
    ///   - due: when its first token should be there; nil goes after all others of its owner.
    public mutating func add(
        _ id: SequenceID,
        promptTokenCount: Int,
        priority: Int = 0,
        owner: String = "",
        due: ContinuousClock.Instant? = nil
    ) {
        arrivalCount += 1
        shares.join(owner)
        queue.append(
            Entry(
                id: id,
                arrival: arrivalCount,
                priority: priority,
                owner: owner,
                due: due,
                pending: promptTokenCount
            )
        )
    }

    /// A token was chosen for the sequence and is to be computed.
    public mutating func continueSequence(_ id: SequenceID) {
        guard let index = running.firstIndex(where: { $0.id == id }) else { return }
        running[index].pending += 1
    }

    public mutating func remove(_ id: SequenceID) {
        for entry in running + queue where entry.id == id { shares.leave(entry.owner) }
        running.removeAll { $0.id == id }
        queue.removeAll { $0.id == id }
    }

    // MARK: Who runs

    /// Who is to run next; nil where nobody waits.
    public var next: SequenceID? { queue.min(by: precedes)?.id }

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
    private var last: Entry? {
        running.min { ($0.priority, $1.arrival) < ($1.priority, $0.arrival) }
    }

    /// Sends a sequence back to wait; all of its tokens are to be computed again.
    public mutating func interrupt(_ id: SequenceID, tokenCount: Int) {
        guard let index = running.firstIndex(where: { $0.id == id }) else { return }
        var entry = running.remove(at: index)
        entry.pending = tokenCount
        queue.append(entry)
    }

    private func precedes(_ a: Entry, _ b: Entry) -> Bool {
        if a.priority != b.priority { return a.priority > b.priority }
        let rows = (shares.rows(of: a.owner), shares.rows(of: b.owner))
        if rows.0 != rows.1 { return rows.0 < rows.1 }
        guard a.due == b.due else {
            return a.due.map { due in b.due.map { due < $0 } ?? true } ?? false
        }
        return a.arrival < b.arrival
    }

    // MARK: The next step

    /// The next step's slices; never more rows than the limit, empty when nothing is pending.
    public mutating func nextStep() -> [Slice] {
        var left = limits.stepRows
        var taken = Array(repeating: 0, count: running.count)
        // Generating sequences first: each is one row and a person waits for it.
        for index in running.indices where running[index].pending == 1 && left > 0 {
            taken[index] = 1
            left -= 1
        }
        let prompts = running.indices.filter { running[$0].pending > 1 }
            .sorted { precedes(running[$0], running[$1]) }
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
