/// Looks for the weights that cost least: a coarse grid, then smaller and smaller steps from its
/// best point.
struct WeightSearch {
    private let cost: (CachePolicy) -> Double

    init(cost: @escaping (CachePolicy) -> Double) { self.cost = cost }

    func hobbit() -> HobbitWeights {
        weights(Self.best(count: 4) { cost(.hobbit(weights($0))) })
    }

    private func weights(_ parts: [Double]) -> HobbitWeights {
        HobbitWeights(
            recency: parts[0],
            frequency: parts[1],
            highFrequency: parts[2],
            distance: parts[3]
        )
    }

    /// Among some rates and the shares that go best with them.
    func forecast() -> ForecastSettings {
        let rates: [SIMD3<Double>] = [
            [0.25, 0.04, 0.004], [0.1, 0.02, 0.002], [0.4, 0.08, 0.01],
        ]
        let candidates =
            [ForecastSettings()]
            + rates.map { rates in
                let shares = Self.best(count: 3) { parts in
                    let shares = SIMD3(parts[0], parts[1], parts[2])
                    return cost(.forecast(ForecastSettings(rates: rates, shares: shares)))
                }
                return ForecastSettings(
                    rates: rates,
                    shares: SIMD3(shares[0], shares[1], shares[2])
                )
            }
        let costs = candidates.map { cost(.forecast($0)) }
        let best = costs.indices.min { costs[$0] < costs[$1] } ?? 0
        return candidates[best]
    }

    /// The parts of 1 with the least cost; the first where several cost the same.
    static func best(count: Int, _ cost: ([Double]) -> Double) -> [Double] {
        var best = Array(repeating: 1 / Double(count), count: count)
        var least = cost(best)
        func look(_ parts: [Double]) -> Bool {
            let own = cost(parts)
            guard own < least else { return false }
            (best, least) = (parts, own)
            return true
        }
        for parts in grid(count: count, steps: 3) { _ = look(parts.map { Double($0) / 3 }) }
        for step in [0.15, 0.05] {
            var isBetter = true
            while isBetter {
                isBetter = false
                for from in 0..<count {
                    for to in 0..<count where to != from && best[from] >= step {
                        var parts = best
                        parts[from] -= step
                        parts[to] += step
                        if look(parts) { isBetter = true }
                    }
                }
            }
        }
        return best
    }

    /// All ways to divide `steps` into `count` parts.
    private static func grid(count: Int, steps: Int) -> [[Int]] {
        guard count > 1 else { return [[steps]] }
        return (0...steps).flatMap { first in
            grid(count: count - 1, steps: steps - first).map { [first] + $0 }
        }
    }
}
