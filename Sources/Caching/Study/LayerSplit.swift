/// Divides slots among layers, as AdapMoE does.
public enum LayerSplit {
    /// The split with the least cost, by dynamic programming over layers and slots.
    ///
    /// - Parameters:
    ///   - costs: what each layer costs with 0, 1, 2 … slots; `[layer][slots]`. More slots than are
    ///     listed cost what the last does; infinity forbids.
    ///   - slotCount: slots of all layers together; those that help nobody stay out.
    /// - Returns: slots of each layer, the fewest where costs are equal in earlier layers.
    public static func best(costs: [[Double]], slotCount: Int) -> [Int] {
        precondition(costs.allSatisfy { !$0.isEmpty } && slotCount >= 0, "\(slotCount) slots")
        // Cost of the layers so far with so many slots, and what the last of them then has.
        var totals = Array(repeating: 0.0, count: slotCount + 1)
        var choices: [[Int]] = []
        for layer in costs {
            var next = Array(repeating: Double.infinity, count: slotCount + 1)
            var choice = Array(repeating: 0, count: slotCount + 1)
            for slots in 0...slotCount {
                for own in 0...min(slots, layer.count - 1) {
                    let cost = totals[slots - own] + layer[own]
                    guard cost < next[slots] else { continue }
                    next[slots] = cost
                    choice[slots] = own
                }
            }
            totals = next
            choices.append(choice)
        }
        var left = slotCount
        return choices.reversed().map { choice in
            defer { left -= choice[left] }
            return choice[left]
        }.reversed()
    }

    /// How many loads each layer needs with 0, 1, 2 … slots of its own under LRU; `[layer][slots]`,
    /// layers with experts only.
    ///
    /// One run gives all: what LRU keeps in some slots it keeps in more.
    public static func loadCounts(of demand: ExpertDemand) -> [[Double]] {
        let numbering = demand.numbering
        // Experts of each layer, the last used first.
        var stacks: [[Int]] = Array(repeating: [], count: numbering.placeCount)
        var counts = (0..<numbering.placeCount).map { place in
            Array(repeating: 0.0, count: numbering.numbers(at: place).count + 1)
        }
        var largest = Array(repeating: 0, count: numbering.placeCount)
        for pass in demand.passes {
            guard let place = numbering.place(of: pass.layer) else { continue }
            let experts = pass.needs.compactMap { numbering.number(of: demand.needs[$0].expert) }
            largest[place] = max(largest[place], experts.count)
            for expert in experts {
                let depth = stacks[place].firstIndex(of: expert) ?? counts[place].count - 1
                // Missed with as many slots as lie above it, or fewer.
                for slots in 0...min(depth, counts[place].count - 1) { counts[place][slots] += 1 }
            }
            stacks[place].removeAll { experts.contains($0) }
            stacks[place].insert(contentsOf: experts.reversed(), at: 0)
        }
        for place in counts.indices {
            for slots in 0..<min(largest[place], counts[place].count) {
                counts[place][slots] = .infinity
            }
        }
        return counts
    }

    /// AdapMoE's expected loads on demand, from those that caches alone would have.
    ///
    /// - Parameters:
    ///   - loads: `[layer][slots]`.
    ///   - singleRates: how often a layer's gate is so sure that one of the two experts is enough.
    ///   - prefetchAccuracies: which part of the loads was foreseen and is under way already.
    public static func expectedLoads(
        _ loads: [[Double]],
        singleRates: [Double],
        prefetchAccuracies: [Double]
    ) -> [[Double]] {
        precondition(
            loads.count == singleRates.count && loads.count == prefetchAccuracies.count,
            "\(loads.count) layers, \(singleRates.count) and \(prefetchAccuracies.count) rates"
        )
        return loads.indices.map { layer in
            let factor = (1 - singleRates[layer] / 2) * (1 - prefetchAccuracies[layer])
            // Infinity forbids, whatever it is multiplied by.
            return loads[layer].map { $0 == .infinity ? $0 : $0 * factor }
        }
    }
}
