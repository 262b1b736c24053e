import Cluster
import Testing

@Suite("When a cluster looks for a better plan by itself")
struct RebalanceWatchTests {
    @Test("Never, unless it is told to")
    func off() {
        var watch = RebalanceWatch()
        let looks = look(&watch, [(9, 0), (9, 99_999)])
        #expect(looks == [false, false])
    }

    @Test("After patience; a moment of balance starts it anew")
    func patience() {
        var watch = watch()
        let waits: [(Double?, Int)] = [(1.6, 0), (1.2, 900), (1.6, 1000), (nil, 1500), (1.6, 1600)]
        let before = look(&watch, waits)
        #expect(before == [false, false, false, false, false])
        // One at a time.
        let after = look(&watch, [(1.6, 2600), (1.6, 9000)])
        #expect(after == [true, false] && watch.report.isRunning)
    }

    @Test("Again after a pause where the imbalance was over, else only after ten")
    func hysteresis() {
        var watch = watch()
        start(&watch, at: 0)
        watch.onEnd(.kept, now: at(2000))
        // A little below the threshold is not over.
        let high = look(&watch, [(1.6, 2000), (1.6, 20_000), (1.45, 21_000), (1.6, 24_000)])
        #expect(high == [false, false, false, false])
        let over = look(&watch, [(1.3, 25_000), (1.6, 26_000), (1.6, 27_000)])
        #expect(over == [false, false, true])
        watch.onEnd(.failed(reason: "x"), now: at(30_000))
        let failed = look(&watch, [(1.6, 128_000), (1.6, 130_000)])
        #expect(failed == [false, true])
        watch.onEnd(.changed(byteCount: 5, stepRatio: nil), now: at(131_000))
        let changed = look(&watch, [(1.6, 135_000), (1.6, 141_000)])
        #expect(changed == [false, true])
    }

    @Test("Tells what came of it")
    func report() {
        var watch = watch()
        for round in 0..<12 {
            start(&watch, at: 1_000_000 * round)
            watch.onEnd(
                .failed(reason: "reason \(min(round, 9))"),
                now: at(1_000_000 * round + 2000)
            )
        }
        start(&watch, at: 20_000_000)
        watch.onEnd(.changed(byteCount: 7, stepRatio: 0.5), now: at(20_002_000))
        #expect(watch.report.failures.count == 8)
        #expect(watch.report.failures.map(\.count).reduce(0, +) == 12)
        #expect(watch.report.changedCount == 1 && watch.report.movedByteCount == 7)
        #expect(watch.report.lastChange == at(20_002_000) && watch.report.keptCount == 0)
        // A second each.
        #expect(watch.report.stepRatio == 0.5 && watch.report.time == .seconds(13))
    }

    private func watch() -> RebalanceWatch {
        var limits = RebalanceWatch.Limits()
        limits.threshold = 1.5
        limits.patience = .seconds(1)
        limits.pause = .seconds(10)
        return RebalanceWatch(limits: limits)
    }

    private func start(_ watch: inout RebalanceWatch, at time: Int) {
        let looks = look(&watch, [(2, time), (2, time + 1000)])
        #expect(looks == [false, true])
    }

    private func look(_ watch: inout RebalanceWatch, _ moments: [(Double?, Int)]) -> [Bool] {
        moments.map { watch.tick(imbalance: $0.0, now: at($0.1)) }
    }
}
