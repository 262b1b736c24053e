public import Inference
import Kernels
import Model

/// Feeds given tokens through the model and looks at the logits of every position.
public final class Evaluation {
    /// The largest logits of one position, largest first; equal ones by the lower token.
    public struct Position: Equatable, Sendable {
        public var ids: [Int32]
        public var logits: [Float]

        public init(ids: [Int32], logits: [Float]) {
            self.ids = ids
            self.logits = logits
        }
    }

    private let forward: ForwardPass
    private let tokens: [Int32]
    /// Made by the first step: what only waits holds no memory.
    private var context: SequenceContext?
    private let chunk: Int
    private var done = 0
    private var logits: [Float] = []

    /// - Parameters:
    ///   - tokens: taken as given.
    ///   - chunk: positions per step; changes no bit of the result.
    public init(forward: ForwardPass, tokens: [Int32], chunk: Int = usualChunk) {
        self.forward = forward
        self.tokens = tokens
        self.chunk = max(1, chunk)
    }

    /// Positions per step where nobody says otherwise.
    public static let usualChunk = 64

    public var isFinished: Bool { done == tokens.count }

    /// Tokens that the next step computes.
    public var nextCount: Int { Self.chunk(of: tokens.count - done, atMost: chunk) }

    /// How many positions of those that are left to compute at once.
    ///
    /// None is left for a step of its own: experts in few bits would take it for an answer's token.
    static func chunk(of count: Int, atMost limit: Int = usualChunk) -> Int {
        count == limit + 1 && limit > 2 ? limit - 1 : min(limit, count)
    }

    /// Pages of keys and values that the first step takes; none afterwards.
    public var wantedPageCount: Int {
        context == nil ? CacheLayout.pageCount(positions: tokens.count) : 0
    }

    /// Computes the next chunk and shows each position's logits.
    public func step(
        _ look: (_ position: Int, _ logits: ArraySlice<Float>) -> Void
    ) throws(ForwardError) {
        let count = nextCount
        let context = try makeContext()
        var batch = Batch()
        batch.append(tokens[done..<done + count], from: done, of: context, logits: .all)
        try forward.run(batch, logits: &logits)
        let width = forward.model.vocabularyCount
        for row in 0..<count {
            let values = logits[row * width..<(row + 1) * width]
            try forward.requireFinite(values)
            look(done + row, values)
        }
        done += count
    }

    private func makeContext() throws(ForwardError) -> SequenceContext {
        if let context { return context }
        let made = try forward.makeContext(capacity: tokens.count)
        context = made
        return made
    }

    /// The `count` largest logits of a position.
    public static func top(_ count: Int, of logits: ArraySlice<Float>) -> Position {
        func precedes(_ a: Int, _ b: Int) -> Bool {
            logits[a] > logits[b] || (logits[a] == logits[b] && a < b)
        }
        let chosen = min(max(0, count), logits.count)
        guard chosen > 0 else { return Position(ids: [], logits: []) }
        // Sorted whenever it is twice as long as needed: cheaper than sorting a whole vocabulary.
        var kept: [Int] = []
        var last: Int?
        for index in logits.indices {
            if let last, !precedes(index, last) { continue }
            kept.append(index)
            guard kept.count >= 2 * chosen else { continue }
            kept.sort(by: precedes)
            kept.removeLast(kept.count - chosen)
            last = kept.last
        }
        kept.sort(by: precedes)
        return Position(
            ids: kept.prefix(chosen).map { Int32($0 - logits.startIndex) },
            logits: kept.prefix(chosen).map { logits[$0] }
        )
    }
}
