/// A run of bytes that is, or may become, one token: a link of the chain that merging shortens.
struct Symbol {
    /// Where its bytes begin in the text being merged.
    var start: Int32
    /// How many they are; 0 once it is swallowed by its neighbour.
    var byteCount: Int32
    /// Its token, or `noToken` if the vocabulary has none for these bytes.
    var token: Int32
    var previous: Int32 = -1
    var next: Int32 = -1

    static let noToken: Int32 = -1
}

/// What two neighbours may become.
struct Merge {
    /// The lower merges first.
    var priority: UInt32
    var token: Int32
}

/// Says which neighbours may merge.
protocol MergeRule {
    func merge(_ left: Symbol, _ right: Symbol) -> Merge?
}

/// Merges the best pair of neighbours until no pair is left, the leftmost of equals first.
///
/// A heap holds the candidates, so n symbols cost n log n whatever the text. A candidate whose
/// neighbours changed meanwhile is noticed when it comes up, by its byte count, and skipped.
struct Merger {
    private var symbols: [Symbol] = []
    private var queue = CandidateQueue()

    /// Appends a symbol at the end of the chain.
    mutating func append(start: Int, byteCount: Int, token: Int32) {
        let index = Int32(symbols.count)
        if index > 0 {
            symbols[Int(index) - 1].next = index
        }
        symbols.append(
            Symbol(
                start: Int32(start),
                byteCount: Int32(byteCount),
                token: token,
                previous: index - 1
            )
        )
    }

    /// Merges the chain, hands over what is left of it, and empties it.
    mutating func merge(by rule: some MergeRule, _ take: (Symbol) -> Void) {
        for left in symbols.indices.dropLast() {
            consider(Int32(left), by: rule)
        }
        while let candidate = queue.pop() {
            apply(candidate, by: rule)
        }
        var index: Int32 = symbols.isEmpty ? -1 : 0
        while index >= 0 {
            take(symbols[Int(index)])
            index = symbols[Int(index)].next
        }
        symbols.removeAll(keepingCapacity: true)
    }

    /// Queues the pair that begins with a symbol, if it may merge.
    private mutating func consider(_ left: Int32, by rule: some MergeRule) {
        let first = symbols[Int(left)]
        guard first.next >= 0 else { return }
        let second = symbols[Int(first.next)]
        guard let merge = rule.merge(first, second) else { return }
        queue.push(
            CandidateQueue.Candidate(
                order: UInt64(merge.priority) << 32 | UInt64(left),
                byteCount: first.byteCount + second.byteCount,
                token: merge.token
            )
        )
    }

    private mutating func apply(
        _ candidate: CandidateQueue.Candidate,
        by rule: some MergeRule
    ) {
        let left = candidate.left
        let right = symbols[Int(left)].next
        guard symbols[Int(left)].byteCount > 0, right >= 0,
            symbols[Int(left)].byteCount + symbols[Int(right)].byteCount == candidate.byteCount
        else { return }

        let after = symbols[Int(right)].next
        symbols[Int(left)].byteCount = candidate.byteCount
        symbols[Int(left)].token = candidate.token
        symbols[Int(left)].next = after
        symbols[Int(right)].byteCount = 0
        if after >= 0 {
            symbols[Int(after)].previous = left
        }
        if symbols[Int(left)].previous >= 0 {
            consider(symbols[Int(left)].previous, by: rule)
        }
        consider(left, by: rule)
    }
}

/// A binary heap of pairs that may merge, best first.
private struct CandidateQueue {
    struct Candidate {
        /// The priority in the upper half, the index of the left symbol in the lower.
        var order: UInt64
        /// Of both symbols together, when the candidate was made.
        var byteCount: Int32
        var token: Int32

        var left: Int32 { Int32(truncatingIfNeeded: order) }
    }

    private var heap: [Candidate] = []

    mutating func push(_ candidate: Candidate) {
        heap.append(candidate)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].order < heap[parent].order else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func pop() -> Candidate? {
        guard let best = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return best }
        heap[0] = last
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else { return best }
            if child + 1 < heap.count, heap[child + 1].order < heap[child].order {
                child += 1
            }
            guard heap[child].order < heap[parent].order else { return best }
            heap.swapAt(child, parent)
            parent = child
        }
    }
}
