/// The least that any cache could have loaded, had it known the future.
///
/// Who is needed again last gives way (Belady 1966); no policy loads less, because whoever gives
/// way sooner is loaded again sooner.
public enum Belady {
    /// How many loads a cache of one tier needs, which begins empty; tiers of needs do not count.
    ///
    /// - Precondition: it has slots for the largest pass.
    public static func loadCount(of demand: ExpertDemand, slotCount: Int) -> Int {
        precondition(
            demand.largestPass <= slotCount,
            "\(slotCount) slots for \(demand.largestPass) experts at once"
        )
        let numbers = demand.needs.map { demand.numbering.number(of: $0.expert) ?? 0 }
        let next = nextPasses(demand, numbers)
        var resident: [Int] = []
        // When an expert in memory is needed next; `[expert]`, -1 for one that is not there.
        var due = Array(repeating: -1, count: demand.numbering.count)
        var loads = 0
        for pass in demand.passes {
            let missing = pass.needs.filter { due[numbers[$0]] < 0 }
            // Who is needed now is due last of all until it is known when it is needed again.
            for index in pass.needs where due[numbers[index]] >= 0 { due[numbers[index]] = 0 }
            for index in missing {
                loads += 1
                if resident.count == slotCount { evict(from: &resident, &due) }
                resident.append(numbers[index])
                due[numbers[index]] = 0
            }
            for index in pass.needs { due[numbers[index]] = next[index] }
        }
        return loads
    }

    private static func evict(from resident: inout [Int], _ due: inout [Int]) {
        var last = 0
        for index in resident.indices where due[resident[index]] > due[resident[last]] {
            last = index
        }
        due[resident[last]] = -1
        resident.swapAt(last, resident.count - 1)
        resident.removeLast()
    }

    /// The pass, counted from 1, that needs the same expert next; `[need]`.
    private static func nextPasses(_ demand: ExpertDemand, _ numbers: [Int]) -> [Int] {
        var next = Array(repeating: Int.max, count: numbers.count)
        var known = Array(repeating: Int.max, count: demand.numbering.count)
        for (index, pass) in demand.passes.enumerated().reversed() {
            for need in pass.needs {
                next[need] = known[numbers[need]]
                known[numbers[need]] = index + 1
            }
        }
        return next
    }

    /// A penalty that no cache with these slots stays below.
    ///
    /// Needs of the high tier alone take at least so many loads in its slots, and all needs
    /// together at least so many in the slots of both. For needs of one tier it is reached.
    public static func leastPenalty(
        of demand: ExpertDemand,
        slotCounts: SlotCounts,
        lowCost: Double
    ) -> Double {
        let high = demand.filtered { $0.tier == .high }
        let highLoads = loadCount(of: high, slotCount: slotCounts.high)
        guard high.needCount < demand.needCount else { return Double(highLoads) }
        let all = loadCount(of: demand, slotCount: slotCounts.high + slotCounts.low)
        return (1 - lowCost) * Double(highLoads) + lowCost * Double(all)
    }
}
