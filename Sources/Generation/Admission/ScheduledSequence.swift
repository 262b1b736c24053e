/// A sequence as the scheduler knows it: counts and times, no tokens.
struct ScheduledSequence: Equatable, Sendable {
    let id: Scheduler.SequenceID
    /// Counts those who came; one that is interrupted keeps its place.
    let arrival: UInt64
    let arrivedAt: Duration
    let priority: Int
    let owner: String
    let wish: Scheduler.Wish
    /// Tokens known but not computed yet: the rest of a prompt, or the one just chosen.
    var pending: Int
    /// Tokens of its answer.
    private(set) var madeCount = 0
    private(set) var firstTokenAt: Duration?
    /// Whether it was counted as held back.
    var wasHeldBack = false

    /// How long those who came later may come first, unless more was wished.
    private static let longestTurn = Duration.seconds(600)
    /// How long it may be held back for others' sake.
    private static let longestHold = Duration.seconds(60)
    /// The part of the time to its first token that it may be held back, where one is wished: held
    /// back until it is nearly late, it would be late once all who run need longer than expected.
    private static let heldPart = 0.25
    /// The part of the expected length that is expected still of an answer that has outlived it.
    private static let afterglow = 0.05

    init(
        id: Scheduler.SequenceID,
        arrival: UInt64,
        at now: Duration,
        promptTokenCount: Int,
        priority: Int,
        owner: String,
        wish: Scheduler.Wish
    ) {
        self.id = id
        self.arrival = arrival
        arrivedAt = now
        self.priority = priority
        self.owner = owner
        self.wish = wish
        pending = promptTokenCount
    }

    /// When its first token should be there; where nothing is wished, when its turn comes.
    var due: Duration { arrivedAt + (wish.firstToken ?? Self.longestTurn) }

    /// From when on nobody comes before it who came later than that, whatever was wished.
    var turn: Duration { max(due, arrivedAt + Self.longestTurn) }

    /// From when on it is not held back.
    var holdEnd: Duration {
        guard let firstToken = wish.firstToken else { return arrivedAt + Self.longestHold }
        return arrivedAt + min(firstToken * Self.heldPart, Self.longestHold)
    }

    /// Whether a part of its prompt is to be computed.
    var isReading: Bool { pending > 1 }

    /// Whether there is an objective for its first token, which is not there yet.
    var awaitsFirstToken: Bool { wish.firstToken != nil && firstTokenAt == nil }

    /// Seconds that are left for the rest of an answer of the expected length, by the mean time
    /// that is wished for a token; nil where none is, or before the first token.
    func answerTime(at now: Duration) -> Double? {
        guard let firstTokenAt, let pause = wish.eachToken else { return nil }
        let wished = pause / .seconds(1) * (Double(madeCount) - 1 + tokensLeft)
        let elapsed = (now - firstTokenAt) / .seconds(1)
        return wished - elapsed
    }

    /// Tokens that its answer is expected to have still; the paper's G_i.
    var tokensLeft: Double {
        let left = wish.answerLength - Double(madeCount)
        return left > 0 ? left : max(1, wish.answerLength * Self.afterglow)
    }

    /// A token was chosen, and the answer goes on.
    mutating func makeToken(at now: Duration) {
        pending += 1
        madeCount += 1
        firstTokenAt = firstTokenAt ?? now
    }
}

/// Where a sequence stands among those of its owner and priority; the least comes first.
struct Standing: Comparable {
    private let time: Duration
    private let arrival: UInt64
    /// By when its prompt must be begun for its first token to be in time; nil where that was not
    /// wished, or cannot be.
    let latest: Duration?

    /// Seconds that others may come first for each second that a job takes alone: the mean latency
    /// is least where the shorter come first.
    private static let patience = 30.0

    /// Sooner, the sooner its first token is wished and the less time it takes in all.
    ///
    /// That is a time, and not an order of lengths, so that everybody's turn comes.
    ///
    /// - Parameter stepRows: rows of a step at most.
    init(
        _ sequence: ScheduledSequence,
        under admission: Scheduler.Admission,
        _ cost: StepCost,
        stepRows: Int,
        now: Duration
    ) {
        arrival = sequence.arrival
        guard admission == .objectives, sequence.awaitsFirstToken else {
            time = admission == .objectives ? sequence.due : .zero
            latest = nil
            return
        }
        let reading = cost.seconds(prompt: sequence.pending, stepRows: stepRows)
        let answering = cost.seconds(answer: sequence.wish.answerLength)
        let wait = Duration.seconds(Self.patience * (reading + answering))
        time = min(sequence.due + wait, sequence.turn)
        let latest = sequence.due - .seconds(reading)
        self.latest = latest < now ? nil : latest
    }

    static func < (a: Self, b: Self) -> Bool { (a.time, a.arrival) < (b.time, b.arrival) }
}

/// Where a sequence stands among all; the least comes first.
struct Place: Comparable {
    let priority: Int
    /// What its owner had of the steps.
    let ownerRows: UInt64
    let standing: Standing

    static func < (a: Self, b: Self) -> Bool {
        if a.priority != b.priority { return a.priority > b.priority }
        if a.ownerRows != b.ownerRows { return a.ownerRows < b.ownerRows }
        return a.standing < b.standing
    }
}
