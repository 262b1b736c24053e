import Benchmarking
import Caching
import Foundation
import Placement
import Testing

@Suite("Caches and predictions on a recorded trace")
struct RecordedTraceTests {
    /// German text through the demo model: 3072 rows.
    private static func trace() throws -> RoutingTrace {
        let root = URL(filePath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let file = root.appending(path: "Benchmarks/traces/demo-german.trace")
        return try RoutingTrace(bytes: Array(Data(contentsOf: file)))
    }

    @Test("Penalties of all policies are what they were")
    func calibration() throws {
        let testCase = CacheCalibration.Case(
            name: "german",
            trace: try Self.trace(),
            rowsPerStep: 1,
            sequenceRows: 256
        )
        #expect(testCase.unseen.needCount == 18_432)
        let report = CacheCalibration(cases: [testCase], budgets: [25, 50]).run()
        let penalties = report.tables.map { table in
            ["lru", "lfu", "lcu", "forecast"].map { table.result(named: $0)?.penalty }
        }
        #expect(penalties == [[8027, 7066, 6986, 6555], [3510, 3055, 2974, 2864]])
        #expect(report.tables.map(\.leastPenalty) == [4028, 1431])
        #expect(report.recommended == "forecast, calibrated")
        // What the default promises.
        for table in report.tables {
            let forecast = try #require(table.result(named: "forecast"))
            #expect(try #require(table.saved(forecast, comparedTo: "lru")) >= 0.05)
            #expect(try #require(table.saved(forecast, comparedTo: "lfu")) >= 0.02)
        }
    }

    @Test("What is wanted in the low tier, and what belongs to a sequence")
    func demand() throws {
        let trace = try Self.trace().steps(0..<4)
        let demand = ExpertDemand(trace, sequenceRows: 256, lowRanks: 1)
        #expect(demand.passCount == 24)
        #expect(demand.largestPass <= 16)
        let slots = SlotCounts(high: 32, low: 32)
        let replay = CacheReplay(of: demand, slotCounts: slots, policy: .lru)
        #expect(replay.lowLoads > 0)
        #expect(replay.hitCount + replay.highLoads + replay.lowLoads == demand.needCount)
    }

    @Test("Transitions guess better than frequencies, maps better than both")
    func prediction() throws {
        let benchmark = PredictionBenchmark([try Self.trace()])
        let accuracies = benchmark.tokens().map(\.score.accuracy)
        #expect(accuracies.count == 3)
        #expect(accuracies[0] < accuracies[1])
        #expect(accuracies[1] < accuracies[2])
        let coverages = benchmark.coverages()
        #expect(coverages.map(\.share) == [0.2, 0.4, 0.6, 0.8])
        for coverage in coverages { #expect(coverage.task > coverage.share) }
    }
}
