import Caching
import Model
import Testing

@Suite("Calibrating a cache")
struct CalibrationTests {
    private static func calibration(lowShare: Double = 0) -> CacheCalibration {
        var random = SeededRandom(seed: 3)
        let demand = randomDemand(
            passes: 600,
            experts: [12, 12, 12],
            most: 2,
            lowShare: lowShare > 0 ? 0.4 : 0,
            using: &random
        )
        return CacheCalibration(
            cases: [.init(name: "same", seen: demand, unseen: demand)],
            budgets: [3, 25, 60],
            lowShare: lowShare
        )
    }

    @Test("What was calibrated is no worse on what it was calibrated on", arguments: [0, 0.2])
    func better(lowShare: Double) throws {
        let report = Self.calibration(lowShare: lowShare).run()
        let tables = report.tables.filter { $0.slots != nil }
        #expect(tables.count == 2)
        for pair in [
            ("hobbit, calibrated", "hobbit, equal weights"), ("forecast, calibrated", "forecast"),
        ] {
            func cost(_ name: String) throws -> Double {
                try tables.reduce(0) { sum, table in
                    let own = try #require(table.result(named: name))
                    let lru = try #require(table.result(named: "lru"))
                    return sum + own.penalty / lru.penalty
                }
            }
            #expect(try cost(pair.0) <= cost(pair.1), "\(pair)")
        }
        let weights = report.hobbitWeights
        let sum =
            weights.recency + weights.frequency + weights.highFrequency + weights.distance
        #expect(abs(sum - 1) < 1e-9)
        #expect(abs(report.forecast.shares.sum() - 1) < 1e-9)
    }

    @Test("A budget below what a layer needs at once has no figures")
    func tooSmall() {
        let table = Self.calibration().run().tables[0]
        #expect(table.budget == 3)
        #expect(table.slots == nil)
        #expect(table.results.isEmpty)
    }

    @Test("LRU closes nothing, the optimum all, and nothing is beyond it")
    func distances() throws {
        for table in Self.calibration().run().tables where table.slots != nil {
            let lru = try #require(table.result(named: "lru"))
            #expect(table.closed(lru) == 0)
            #expect(table.saved(lru, comparedTo: "lru") == 0)
            for result in table.results {
                #expect(try #require(table.closed(result)) <= 1)
                #expect(result.penalty >= table.leastPenalty)
            }
            let hint = try #require(table.result(named: "forecast, next layer foreseen"))
            let all = try #require(table.result(named: "forecast, next 2 layers foreseen"))
            #expect(hint.hitRate > 0 && all.hitRate > 0)
        }
    }
}
