import Benchmarking
import Generation
import Testing

@Suite("Curves of who met its objective")
struct AdmissionBenchmarkTests {
    private let benchmark = AdmissionBenchmark(requestCount: 400, seed: 3)

    @Test("Laxer objectives are met by more, and the rate's figures are those of scale 1")
    func scales() throws {
        let scaled = benchmark.byScale()
        for order in Scheduler.Admission.allCases {
            let figures = scaled.filter { $0.order == order }
            #expect(figures.map(\.scale) == AdmissionBenchmark.scales)
            #expect(figures.allSatisfy { $0.load == AdmissionBenchmark.scaledLoad })
            let attained = figures.map(\.attainment)
            let strictest = try #require(attained.first)
            let laxest = try #require(attained.last)
            #expect(strictest < laxest)
            #expect(attained.allSatisfy { (0...1).contains($0) })
        }
        // Who comes first is served first whatever it wants.
        let first = scaled.filter { $0.order == .arrival }
        #expect(Set(first.map(\.mean)).count == 1)
        #expect(first.map(\.attainment) == first.map(\.attainment).sorted())

        let loads = benchmark.byLoad()
        #expect(loads.count == AdmissionBenchmark.loads.count * 2)
        for figure in loads where figure.load == AdmissionBenchmark.scaledLoad {
            let same = scaled.first { $0.scale == 1 && $0.order == figure.order }
            #expect(same?.attainment == figure.attainment && same?.mean == figure.mean)
        }
    }

    @Test("By objectives the mean latency is lower, and more of them are met by a tenth at least")
    func simulation() {
        let simulation = QueueSimulation()
        for seed: UInt64 in [1, 2, 3] {
            let most = simulation.saturatingRate(requestCount: 2000, seed: seed)
            let results = Scheduler.Admission.allCases.map { order in
                simulation.run(order, rate: 0.8 * most, requestCount: 2000, seed: seed)
            }
            let (arrival, objectives) = (results[0], results[1])
            #expect(
                objectives.mean < arrival.mean,
                "seed \(seed): \(objectives.mean), \(arrival.mean)"
            )
            #expect(
                objectives.attainment > 1.1 * arrival.attainment,
                "seed \(seed): \(objectives.attainment), \(arrival.attainment)"
            )
            #expect(arrival.heldBackCount == 0)
            #expect(results.allSatisfy { $0.latencies.allSatisfy { $0 > 0 } })
        }
    }

    @Test("The same seed gives the same queue")
    func determinism() {
        let simulation = QueueSimulation()
        let results = (0..<2).map { _ in
            simulation.run(.objectives, rate: 1, requestCount: 300, seed: 7)
        }
        #expect(results[0] == results[1])
    }

    @Test("A line goes from the left edge to the right one, 100 % at the top and 0 at the bottom")
    func places() {
        let plot = SharePlot(
            "parts < all & more",
            axis: "x",
            lines: [
                .init(name: "up", points: [.init(x: 1, share: 0), .init(x: 3, share: 1)]),
                .init(name: "flat", points: [.init(x: 1, share: 0.5), .init(x: 2, share: 0.5)]),
            ]
        )
        #expect(plot.svg.contains("<polyline points=\"56,344 616,64\""), "\(plot.svg)")
        #expect(plot.svg.contains("<polyline points=\"56,204 336,204\""), "\(plot.svg)")
        #expect(plot.svg.contains(">parts &lt; all &amp; more</text>"))
        #expect(plot.svg.hasPrefix("<svg ") && plot.svg.hasSuffix("</svg>\n"))
    }

    @Test("One point, or none, makes a picture too")
    func few() {
        let one = SharePlot(
            "one",
            axis: "x",
            lines: [.init(name: "a", points: [.init(x: 2, share: 1)])]
        )
        #expect(one.svg.contains("<polyline points=\"336,64\""), "\(one.svg)")
        #expect(SharePlot("none", axis: "x", lines: []).svg.contains(">none</text>"))
    }
}
