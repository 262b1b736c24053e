import ClusterTesting
import Dispatch
import ExpertStore
import Model
import Synchronization
import Tensors
import Testing

@Suite("Whether a disk has time for what may be read in vain")
struct ReadPaceTests {
    private let start = ContinuousClock.now

    /// One read after the other, so many times.
    private func pace(reading: Duration, pausing: Duration, count: Int) -> ReadPace {
        var pace = ReadPace()
        var now = start
        continueReading(&pace, &now, reading, pausing, count)
        return pace
    }

    private func continueReading(
        _ pace: inout ReadPace,
        _ now: inout ContinuousClock.Instant,
        _ reading: Duration,
        _ pausing: Duration,
        _ count: Int
    ) {
        for _ in 0..<count {
            pace.begin(at: now)
            now += reading
            pace.end(at: now)
            now += pausing
        }
    }

    @Test("A disk that is idle between reads has; one that is read from all the time has not")
    func shares() {
        #expect(ReadPace().hasTimeToSpare)
        #expect(
            pace(reading: .milliseconds(1), pausing: .milliseconds(1), count: 900).hasTimeToSpare
        )
        #expect(
            !pace(reading: .milliseconds(9), pausing: .milliseconds(1), count: 90).hasTimeToSpare
        )
        #expect(
            !pace(reading: .milliseconds(4), pausing: .milliseconds(1), count: 90).hasTimeToSpare
        )
        #expect(
            pace(reading: .milliseconds(2), pausing: .milliseconds(1), count: 90).hasTimeToSpare
        )
        // Too little is known of this one.
        #expect(pace(reading: .milliseconds(9), pausing: .milliseconds(1), count: 9).hasTimeToSpare)
    }

    @Test("A night in which nobody asks says nothing of the disk, and old days are forgotten")
    func pauses() {
        var pace = ReadPace()
        var now = start
        for _ in 0..<3 {
            continueReading(&pace, &now, .milliseconds(19), .milliseconds(1), 200)
            #expect(!pace.hasTimeToSpare)
            now += .seconds(8 * 3600)
            for _ in 0..<100 {
                continueReading(&pace, &now, .milliseconds(19), .milliseconds(1), 1)
                #expect(!pace.hasTimeToSpare)
            }
        }
        continueReading(&pace, &now, .milliseconds(1), .milliseconds(1), 3000)
        #expect(pace.hasTimeToSpare)
    }

    @Test("Layers of many rows, which take long to read and long to compute, leave time to spare")
    func manyRows() {
        #expect(
            pace(reading: .milliseconds(200), pausing: .milliseconds(400), count: 20).hasTimeToSpare
        )
        #expect(
            !pace(reading: .milliseconds(200), pausing: .milliseconds(20), count: 20).hasTimeToSpare
        )
    }

    @Test("While one of several reads is waited for, the disk is not idle")
    func overlap() {
        var pace = ReadPace()
        var now = start
        pace.begin(at: now)
        for _ in 0..<100 {
            pace.begin(at: now)
            now += .milliseconds(1)
            pace.end(at: now)
            now += .milliseconds(9)
        }
        #expect(pace.hasTimeToSpare, "nothing has ended")
        pace.end(at: now)
        #expect(!pace.hasTimeToSpare)
    }

    @Test("A pool knows it by the reads that are waited for, hurried ones too")
    func pool() throws {
        let memory = try SlotMemory(slotCount: 1, slotByteCount: 4096)
        for isAhead in [false, true] {
            for isHurried in [false, true] {
                let now = Mutex(start)
                let gate = GatedSource(ScriptedSource(blocks: 1))
                let pool = ReadPool(memory: memory, sources: [gate], capacity: 1) {
                    now.withLock { $0 }
                }
                pool.post(.init(layer: .init(0), index: 0), slot: 0, isAhead: isAhead)
                gate.entered.wait()
                if isHurried { pool.hurry(.init(layer: .init(0), index: 0)) }
                now.withLock { $0 += .seconds(1) }
                gate.open()
                _ = pool.wait()
                #expect(pool.hasTimeToSpare == (isAhead && !isHurried))
            }
        }
    }
}
