/// How much of its time a disk has nothing to do that somebody waits for.
///
/// Times are given, so that any can be told. What was long ago counts less.
package struct ReadPace {
    /// Reads under way that somebody waits for.
    private var awaitedCount = 0
    /// When that last became none, or one.
    private var changed: ContinuousClock.Instant?
    /// How long somebody waited without a pause, lately.
    private var spell = Duration.zero
    private var idle = Duration.zero
    private var busy = Duration.zero

    /// After this much time, what was before counts half.
    private static let memory = Duration.milliseconds(500)
    /// Before this much time nothing is said against reading ahead.
    private static let least = Duration.milliseconds(100)
    /// Where nothing was waited for longer than this, and than something was waited for before,
    /// nobody asked for anything.
    private static let longestPause = Duration.milliseconds(10)
    /// The part of its time that makes a disk one with time to spare.
    private static let idlePart = 0.2

    package init() {}

    /// Somebody waits for one more read.
    package mutating func begin(at now: ContinuousClock.Instant) {
        awaitedCount += 1
        guard awaitedCount == 1 else { return }
        if let changed {
            idle += min(now - changed, max(Self.longestPause, spell))
        }
        turn(at: now)
    }

    /// One of these reads has ended, or nobody waits for it any more.
    package mutating func end(at now: ContinuousClock.Instant) {
        precondition(awaitedCount > 0, "nothing was waited for")
        awaitedCount -= 1
        guard awaitedCount == 0 else { return }
        if let changed {
            spell = now - changed
            busy += spell
        }
        turn(at: now)
    }

    private mutating func turn(at now: ContinuousClock.Instant) {
        changed = now
        guard idle + busy > Self.memory else { return }
        idle /= 2
        busy /= 2
    }

    /// Whether the disk has time to read what may turn out to be in vain.
    ///
    /// Where it is hardly ever idle, right guesses have nothing to gain, and wrong ones take the
    /// time of reads that are waited for.
    package var hasTimeToSpare: Bool {
        let known = idle + busy
        return known < Self.least || idle > known * Self.idlePart
    }
}
