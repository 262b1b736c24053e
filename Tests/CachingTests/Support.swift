import Caching
import Model

extension ExpertID {
    init(_ layer: Int, _ index: Int) { self.init(layer: LayerIndex(layer), index: index) }
}

extension ExpertSlots {
    /// One layer of a step: everything it needs is used, what is missing comes in.
    ///
    /// - Returns: who gave way.
    @discardableResult
    mutating func pass(_ layer: Int, _ indices: [Int], tier: Tier = .high) -> [ExpertID?] {
        enter(LayerIndex(layer))
        let experts = indices.map { ExpertID(layer, $0) }
        var missing: [ExpertID] = []
        for expert in experts {
            use(expert, tier: tier)
            if slot(of: expert, tier: tier) == nil {
                missing.append(expert)
            } else {
                hold(expert, tier: tier)
            }
        }
        let evicted = missing.map { admit($0, tier: tier)?.evicted }
        for expert in experts { release(expert, tier: tier) }
        return evicted
    }

    func holds(_ expert: ExpertID, tier: Tier = .high) -> Bool {
        slot(of: expert, tier: tier) != nil
    }

    /// Experts of a tier, in order.
    func experts(in tier: Tier = .high) -> [ExpertID] {
        numbering.experts.filter { holds($0, tier: tier) }
    }
}
