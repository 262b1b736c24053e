/// Decides which tokens of which sequences run in the next step.
///
/// Every sequence that is generating gets one row; what is left of the step's rows goes to
/// prompts in order of arrival, in chunks. A value: it knows counts, not tokens.
public struct Scheduler: Equatable, Sendable {
    /// Bounds of one step and of the engine.
    public struct Limits: Equatable, Sendable {
        /// Rows of one step: enough to reuse each expert's weights, few enough that generating
        /// sequences wait little for a prompt's chunk.
        public var stepRows = 256
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
        /// Tokens known but not computed yet: the rest of a prompt, or the one just chosen.
        var pending: Int
        /// Pages of the key-value cache that it reserves when it starts to run.
        let pageCount: Int
    }

    public let limits: Limits
    private var running: [Entry] = []
    private var queue: [Entry] = []

    public init(limits: Limits) { self.limits = limits }

    public var runningCount: Int { running.count }
    public var queuedCount: Int { queue.count }
    public var isIdle: Bool { running.isEmpty && queue.isEmpty }
    /// Whether another request would have to wait in a queue that has no room.
    public var isFull: Bool {
        let free = max(0, limits.runningSequences - running.count)
        return queue.count - free >= limits.queuedSequences
    }

    /// Lets a sequence in, with the length of its prompt and the memory that it will reserve.
    public mutating func add(_ id: SequenceID, promptTokenCount: Int, pageCount: Int = 0) {
        queue.append(Entry(id: id, pending: promptTokenCount, pageCount: pageCount))
    }

    /// A token was chosen for the sequence and is to be computed.
    public mutating func continueSequence(_ id: SequenceID) {
        guard let index = running.firstIndex(where: { $0.id == id }) else { return }
        running[index].pending += 1
    }

    public mutating func remove(_ id: SequenceID) {
        running.removeAll { $0.id == id }
        queue.removeAll { $0.id == id }
    }

    /// The next step's slices; never more rows than the limit, empty when nothing is pending.
    ///
    /// - Parameter freePageCount: pages that nobody has reserved. Who comes first is let in first:
    ///   a sequence that needs many is not overtaken by those that need few.
    public mutating func nextStep(freePageCount: Int = .max) -> [Slice] {
        admit(freePageCount)
        var left = limits.stepRows
        var taken = Array(repeating: 0, count: running.count)
        // Generating sequences first: each is one row and a person waits for it.
        for index in running.indices where running[index].pending == 1 && left > 0 {
            taken[index] = 1
            left -= 1
        }
        for index in running.indices where running[index].pending > 1 && left > 0 {
            taken[index] = min(left, running[index].pending)
            left -= taken[index]
        }
        var slices: [Slice] = []
        for index in running.indices where taken[index] > 0 {
            running[index].pending -= taken[index]
            slices.append(Slice(sequence: running[index].id, tokenCount: taken[index]))
        }
        return slices
    }

    private mutating func admit(_ freePageCount: Int) {
        var free = freePageCount
        while running.count < limits.runningSequences, let next = queue.first,
            next.pageCount <= free
        {
            free -= next.pageCount
            running.append(queue.removeFirst())
        }
    }
}
