import Benchmarking
import Caching
import Testing

@Suite("Curves of who met its objective")
struct AdmissionBenchmarkTests {
    private let benchmark = AdmissionBenchmark(requestCount: 400, seed: 3)

    @Test("Laxer objectives are met by more, and the rate's figures are those of scale 1")
    func scales() throws {
        let scaled = benchmark.byScale()
        for order in QueueSimulation.Order.allCases {
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
        let first = scaled.filter { $0.order == .firstComeFirstServed }
        #expect(Set(first.map(\.mean)).count == 1)
        #expect(first.map(\.attainment) == first.map(\.attainment).sorted())

        let loads = benchmark.byLoad()
        #expect(loads.count == AdmissionBenchmark.loads.count * 2)
        for figure in loads where figure.load == AdmissionBenchmark.scaledLoad {
            let same = scaled.first { $0.scale == 1 && $0.order == figure.order }
            #expect(same?.attainment == figure.attainment && same?.mean == figure.mean)
        }
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
