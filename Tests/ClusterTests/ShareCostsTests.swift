import Cluster
import Model
import Placement
import Testing

@Suite("What shares cost")
struct ShareCostsTests {
    @Test("Prices, speeds and links are found from shares of all sizes", arguments: 0..<50)
    func prices(seed: Int) throws {
        var generator = SeededRandom(seed: UInt64(seed))
        var costs = ShareCosts()
        let names = try ["a", "b"].map(name)
        for _ in 0..<2000 {
            let slow = Int.random(in: 0...1, using: &generator)
            let experts = Int.random(in: 1...8, using: &generator)
            let rows = Int.random(in: 1...64, using: &generator)
            let pairs = experts * Int.random(in: 1...16, using: &generator)
            let compute = (150 * experts + 40 * pairs) * (1 + slow)
            let travel = 300 + (10 + 90 * slow) * rows
            let noise = Double.random(in: 0.95...1.05, using: &generator)
            costs.count(
                ShareCosts.Answer(
                    experts: experts,
                    pairs: pairs,
                    rows: rows,
                    computing: .microseconds(1) * (Double(compute) * noise),
                    travelling: .microseconds(1) * (Double(travel) * noise)
                ),
                of: names[slow]
            )
        }
        let found = try #require(costs.estimate(of: names, rowByteCount: 1000))
        let (fast, slow) = (found.workers[0], found.workers[1])
        // Both together are about as fast as their mean.
        let scale = fast.speed
        #expect(abs(found.costs.perExpert / .microseconds(150) / scale - 1) < 0.15)
        #expect(abs(found.costs.perPair / .microseconds(40) / scale - 1) < 0.1)
        #expect(abs(fast.speed / slow.speed - 2) < 0.1)
        #expect(abs(fast.bandwidth / 1e8 - 1) < 0.2 && abs(slow.bandwidth / 1e7 - 1) < 0.05)
        #expect(abs(fast.roundTrip / .microseconds(300) - 1) < 0.2)
    }

    @Test("Shares of one row each are priced too, as the usual ratio says")
    func oneRow() throws {
        var costs = ShareCosts()
        let name = try name("a")
        for round in 0..<1000 {
            let experts = 1 + round % 4
            costs.count(
                ShareCosts.Answer(
                    experts: experts,
                    pairs: experts,
                    rows: 1,
                    computing: .microseconds(190 * experts),
                    travelling: .microseconds(80)
                ),
                of: name
            )
        }
        let found = try #require(costs.estimate(of: [name], rowByteCount: 1000))
        #expect(abs(found.costs.perExpert / .microseconds(150) - 1) < 0.02)
        #expect(abs(found.costs.perPair / .microseconds(40) - 1) < 0.02)
        #expect(abs(found.workers[0].roundTrip / .microseconds(80) - 1) < 0.02)
    }

    @Test("A worker that is held up now and then has the prices of one that is not")
    func accidents() throws {
        var generator = SeededRandom(seed: 9)
        var (calm, busy) = (ShareCosts(), ShareCosts())
        let name = try name("a")
        for round in 0..<2000 {
            let experts = Int.random(in: 1...8, using: &generator)
            let rows = round % 5 == 0 ? 64 : 1
            let answer = ShareCosts.Answer(
                experts: experts,
                pairs: experts * rows,
                rows: rows,
                computing: .microseconds(150 * experts + 40 * experts * rows),
                travelling: .microseconds(100 + 10 * rows)
            )
            calm.count(answer, of: name)
            var late = answer
            if Int.random(in: 0..<20, using: &generator) == 0 {
                late.travelling += .milliseconds(50)
                late.computing += .milliseconds(20)
            }
            busy.count(late, of: name)
        }
        let usual = try #require(calm.estimate(of: [name], rowByteCount: 1000))
        let found = try #require(busy.estimate(of: [name], rowByteCount: 1000))
        #expect(abs(found.costs.perPair / usual.costs.perPair - 1) < 0.3)
        #expect(abs(found.workers[0].bandwidth / usual.workers[0].bandwidth - 1) < 0.3)
        #expect(abs(found.workers[0].roundTrip / usual.workers[0].roundTrip - 1) < 0.5)
    }

    @Test("Nothing is said about what was hardly measured, and no number is nonsense")
    func little() throws {
        var costs = ShareCosts()
        let names = try ["a", "b"].map(name)
        let answer = ShareCosts.Answer(
            experts: 1,
            pairs: 1,
            rows: 1,
            computing: .zero,
            travelling: .zero
        )
        // The first eight of a size only say what is usual.
        for _ in 0..<39 { costs.count(answer, of: names[0]) }
        #expect(costs.estimate(of: names, rowByteCount: 100) == nil)
        for _ in 0..<9 { costs.count(answer, of: names[0]) }
        let found = try #require(costs.estimate(of: names, rowByteCount: 100))
        for worker in found.workers {
            #expect(worker.speed > 0 && worker.speed.isFinite && worker.bandwidth.isFinite)
            #expect(worker.bandwidth > 0 && worker.roundTrip >= .zero)
        }
        costs.keep([names[1]])
        #expect(costs.estimate(of: names, rowByteCount: 100) == nil)
    }
}
