/// Compares policies on traces, and finds weights for those that have some.
///
/// Weights are searched on the first part of each trace, for all budgets at once, and everything is
/// reported on the second part, where each cache begins empty.
public struct CacheCalibration: Sendable {
    /// One trace in two parts.
    public struct Case: Sendable {
        public let name: String
        public let seen: ExpertDemand
        public let unseen: ExpertDemand

        public init(name: String, seen: ExpertDemand, unseen: ExpertDemand) {
            self.name = name
            self.seen = seen
            self.unseen = unseen
        }
    }

    private let cases: [Case]
    /// Which part of all experts fits, in the high tier, in percent.
    private let budgets: [Int]
    /// What loading the low tier takes, as a part of the high one.
    private let lowCost: Double
    /// Which part of the budget the low tier has.
    private let lowShare: Double

    /// - Precondition: there are cases and budgets, and the cases' models are alike.
    public init(cases: [Case], budgets: [Int], lowCost: Double = 0.25, lowShare: Double = 0) {
        precondition(!cases.isEmpty && !budgets.isEmpty, "nothing to compare")
        precondition(
            cases.allSatisfy { $0.seen.numbering == cases[0].seen.numbering },
            "traces of different models"
        )
        self.cases = cases
        self.budgets = budgets
        self.lowCost = lowCost
        self.lowShare = lowShare
    }

    /// The slots that a budget gives; nil where the largest pass does not fit.
    func slots(budget: Int) -> SlotCounts? {
        let all = Double(cases[0].seen.numbering.count) * Double(budget) / 100
        let high = Int(all * (1 - lowShare))
        let low = lowShare > 0 ? Int(all * lowShare / lowCost) : 0
        let largest = cases.map { max($0.seen.largestPass, $0.unseen.largestPass) }.max() ?? 0
        guard high >= largest, lowShare == 0 || low >= largest else { return nil }
        return SlotCounts(high: high, low: low)
    }

    /// - Parameter progress: told what is being done.
    public func run(progress: @escaping (String) -> Void = { _ in }) -> CalibrationReport {
        let search = WeightSearch { policy in objective(policy, progress) }
        let weights = search.hobbit()
        let forecast = search.forecast()
        let policies: [(name: String, policy: CachePolicy, isSplit: Bool)] = [
            ("lru", .lru, false), ("lfu", .lfu, false),
            ("hobbit, equal weights", .hobbit(.equal), false),
            ("hobbit, calibrated", .hobbit(weights), false),
            ("lcu", .lcu(lowCost: lowCost), false),
            ("lru, split by layers", .lru, true),
            ("forecast", .standard, false),
            ("forecast, calibrated", .forecast(forecast), false),
            ("forecast, split by layers", .forecast(forecast), true),
        ]
        let costs = policies.map { $0.isSplit ? .infinity : objective($0.policy, progress) }
        let best = costs.indices.min { costs[$0] < costs[$1] } ?? 0
        let tables = budgets.map { budget in
            table(budget: budget, policies, progress)
        }
        return CalibrationReport(
            hobbitWeights: weights,
            forecast: forecast,
            recommended: policies[best].name,
            tables: tables
        )
    }

    /// Mean over budgets of the penalty on what is seen, LRU's being 1.
    private func objective(_ policy: CachePolicy, _ progress: (String) -> Void) -> Double {
        progress("calibrating")
        let shares = budgets.compactMap(slots).map { slots in
            let own = penalty(policy, slots, cases.map(\.seen))
            return own / max(1, penalty(.lru, slots, cases.map(\.seen)))
        }
        return shares.reduce(0, +) / Double(max(1, shares.count))
    }

    private func penalty(
        _ policy: CachePolicy,
        _ slots: SlotCounts,
        _ demands: [ExpertDemand]
    ) -> Double {
        demands.reduce(0) { sum, demand in
            sum
                + CacheReplay(of: demand, slotCounts: slots, policy: policy)
                .penalty(lowCost: lowCost)
        }
    }

    private func table(
        budget: Int,
        _ policies: [(name: String, policy: CachePolicy, isSplit: Bool)],
        _ progress: (String) -> Void
    ) -> CalibrationReport.Table {
        guard let slots = slots(budget: budget) else {
            return CalibrationReport.Table(budget: budget, slots: nil, results: [])
        }
        var results: [CalibrationReport.Result] = policies.compactMap { entry in
            progress("\(budget) %: \(entry.name)")
            var sum = CacheReplay()
            for testCase in cases {
                let quotas = entry.isSplit ? split(testCase.seen, slots) : nil
                guard !entry.isSplit || quotas != nil else { return nil }
                sum.add(
                    CacheReplay(
                        of: testCase.unseen,
                        slotCounts: slots,
                        policy: entry.policy,
                        quotas: quotas
                    )
                )
            }
            return CalibrationReport.Result(
                name: entry.name,
                hitRate: sum.hitRate,
                penalty: sum.penalty(lowCost: lowCost)
            )
        }
        results += hinted(slots, progress)
        let least = cases.reduce(0.0) { sum, testCase in
            sum
                + Belady.leastPenalty(of: testCase.unseen, slotCounts: slots, lowCost: lowCost)
        }
        return CalibrationReport.Table(
            budget: budget,
            slots: slots,
            results: results,
            leastPenalty: least,
            needCount: cases.reduce(0) { $0 + $1.unseen.needCount }
        )
    }

    /// AdapMoE's split, from what is seen; nil where a layer would have too few for what comes.
    private func split(_ demand: ExpertDemand, _ slots: SlotCounts) -> [Int]? {
        let counts = LayerSplit.loadCounts(of: demand)
        let quotas = LayerSplit.best(costs: counts, slotCount: slots.high)
        let unseen = cases.map { $0.unseen.largestPass }.max() ?? 0
        return quotas.allSatisfy { $0 >= unseen } ? quotas : nil
    }

    /// Our policy with hints of the next layers that are all right: the most that look-ahead can do
    /// for who gives way.
    private func hinted(
        _ slots: SlotCounts,
        _ progress: (String) -> Void
    ) -> [CalibrationReport.Result] {
        let lap = cases[0].seen.numbering.placeCount
        return [1, 3, lap - 1].filter { (1..<lap).contains($0) }.uniqued().map { layers in
            progress("hints of \(layers) layers")
            var sum = CacheReplay()
            for testCase in cases {
                sum.add(
                    CacheReplay(
                        of: testCase.unseen,
                        slotCounts: slots,
                        policy: .standard,
                        hintedPasses: layers
                    )
                )
            }
            return CalibrationReport.Result(
                name: "forecast, next \(layers == 1 ? "layer" : "\(layers) layers") foreseen",
                hitRate: sum.hitRate,
                penalty: sum.penalty(lowCost: lowCost)
            )
        }
    }
}

extension [Int] {
    fileprivate func uniqued() -> [Int] {
        reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }
}
