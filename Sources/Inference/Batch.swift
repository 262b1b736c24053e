import Kernels

/// The rows of one step: tokens of any number of sequences, each with its place.
///
/// Rows of one sequence stand in order of position and follow what its cache already holds.
/// A row's result depends on its own sequence alone, not on its batch-mates.
public struct Batch {
    public struct Row {
        public let token: Int32
        /// Position in its sequence, from 0.
        public let position: Int
        public let context: SequenceContext
        /// Whether the logits after this token are wanted.
        public let wantsLogits: Bool

        public init(token: Int32, position: Int, context: SequenceContext, wantsLogits: Bool) {
            self.token = token
            self.position = position
            self.context = context
            self.wantsLogits = wantsLogits
        }
    }

    public private(set) var rows: [Row] = []

    public init() {}

    /// Takes the rows out and keeps their memory.
    public mutating func removeAll() { rows.removeAll(keepingCapacity: true) }

    /// Appends tokens of one sequence.
    ///
    /// - Parameter logits: which of them get logits.
    public mutating func append(
        _ tokens: ArraySlice<Int32>,
        from position: Int,
        of context: SequenceContext,
        logits: LogitsWanted
    ) {
        for (offset, token) in tokens.enumerated() {
            let wants =
                switch logits {
                case .none: false
                case .last: offset == tokens.count - 1
                case .all: true
                }
            rows.append(
                Row(
                    token: token,
                    position: position + offset,
                    context: context,
                    wantsLogits: wants
                )
            )
        }
    }

    public enum LogitsWanted: Sendable {
        case none, last, all
    }
}
