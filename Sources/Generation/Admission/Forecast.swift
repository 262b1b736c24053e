/// Whether those who run keep their objectives, alone and beside one more (eMoE, 4.6).
///
/// The paper expects a running request to take `t_i = dE + (W + n_i G_i) c + r_i` in all where one
/// with W prompt tokens comes in. Here are two objectives: a first token, which waits for the
/// prompts before its own, and a mean time for each further one, by which an answer of the expected
/// length should have ended. Each step takes a time beside that of its rows; of those who end
/// sooner only the tokens count that they still make; and dE is a part of what steps were measured
/// to take.
struct Forecast {
    /// Who has an objective, and is expected to keep it as things are.
    private struct Promise {
        let sequence: ScheduledSequence
        let standing: Standing
        /// Seconds that are left for it.
        let left: Double
        /// Tokens that its answer is to have until then; 0 where it is the first one that counts.
        var tokens = 0.0
        /// Rows of running answers until then, its own included; of no first token.
        var answerRows = 0.0
        /// Rows of prompts until its own is read; of a first token alone.
        var promptRows = 0.0
    }

    private let cost: StepCost
    private let stepRows: Double
    private var promises: [Promise] = []
    /// How many make tokens.
    private let answerCount: Double
    /// Rows of all prompts that are read.
    private let promptRows: Double

    /// - Parameters:
    ///   - prompts: of those who run, whose prompts are read, in this order.
    ///   - standing: where a sequence stands among those of its owner and priority.
    init(
        running: [ScheduledSequence],
        prompts: [ScheduledSequence],
        cost: StepCost,
        stepRows: Int,
        now: Duration,
        standing: (ScheduledSequence) -> Standing
    ) {
        self.cost = cost
        self.stepRows = Double(stepRows)
        answerCount = Double(running.count - prompts.count)
        promptRows = prompts.reduce(0) { $0 + Double($1.pending) }
        for sequence in running {
            guard !sequence.isReading, let left = sequence.answerTime(at: now) else { continue }
            var promise = Promise(sequence: sequence, standing: standing(sequence), left: left)
            promise.tokens = sequence.tokensLeft
            promise.answerRows = running.reduce(0) { $0 + min($1.tokensLeft, promise.tokens) }
            add(promise)
        }
        var rows = 0.0
        for sequence in prompts {
            rows += Double(sequence.pending)
            guard sequence.awaitsFirstToken else { continue }
            let left = (sequence.due - now) / .seconds(1)
            var promise = Promise(sequence: sequence, standing: standing(sequence), left: left)
            promise.promptRows = rows
            add(promise)
        }
    }

    /// What the next step takes, if nobody comes in.
    var stepTime: Duration {
        .seconds(cost.perStep + cost.perRow * min(stepRows, answerCount + promptRows))
    }

    /// Who misses it in any case is not harmed by anybody.
    private mutating func add(_ promise: Promise) {
        guard time(of: promise, beside: nil, first: false) <= promise.left else { return }
        promises.append(promise)
    }

    /// Whether somebody of the same owner, and of no lower priority, would miss an objective by it.
    func isHarmed(by newcomer: ScheduledSequence, standing: Standing) -> Bool {
        promises.contains { promise in
            let sequence = promise.sequence
            guard sequence.owner == newcomer.owner, sequence.priority >= newcomer.priority else {
                return false
            }
            let isFirst = sequence.priority == newcomer.priority && standing < promise.standing
            return time(of: promise, beside: newcomer, first: isFirst) > promise.left
        }
    }

    /// Seconds until it is kept.
    ///
    /// - Parameters:
    ///   - newcomer: who comes in, if somebody does.
    ///   - isFirst: whether that one's prompt would be read before.
    private func time(
        of promise: Promise,
        beside newcomer: ScheduledSequence?,
        first isFirst: Bool
    ) -> Double {
        let newRows = Double(newcomer?.pending ?? 0)
        guard promise.tokens == 0 else {
            // Prompts ride along in the steps that make its tokens, as far as there is room.
            let rows = min(promptRows + newRows, promise.tokens * stepRows)
            let answers = promise.answerRows + min(newcomer?.tokensLeft ?? 0, promise.tokens)
            return cost.perStep * promise.tokens + cost.perRow * (answers + rows)
        }
        let room = max(1, stepRows - answerCount)
        var rows = promise.promptRows + (isFirst ? newRows : 0)
        let steps = (rows / room).rounded(.up)
        // Who comes later only fills the last step.
        if !isFirst { rows = min(rows + newRows, steps * room) }
        return cost.perStep * steps + cost.perRow * (rows + answerCount * steps)
    }
}
