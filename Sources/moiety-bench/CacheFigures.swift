import Caching
import Foundation
import Terminal

/// A calibration as people and machines read it.
struct CacheFigures: Encodable {
    private let weights: [String: Double]
    private let rates: [Double]
    private let shares: [Double]
    private let recommended: String
    private let tables: [Budget]

    private struct Budget: Encodable {
        let percent: Int
        let highSlots: Int?
        let lowSlots: Int?
        let needs: Int
        let leastPenalty: Double
        let policies: [Policy]

        enum CodingKeys: String, CodingKey {
            case percent, needs, policies
            case highSlots = "high_slots"
            case lowSlots = "low_slots"
            case leastPenalty = "belady_penalty"
        }
    }

    private struct Policy: Encodable {
        let name: String
        let hitRate: Double
        let penalty: Double
        let closed: Double?
        let savedToLRU: Double?
        let savedToLFU: Double?

        enum CodingKeys: String, CodingKey {
            case name, penalty
            case hitRate = "hit_rate"
            case closed = "closes"
            case savedToLRU = "less_than_lru"
            case savedToLFU = "less_than_lfu"
        }
    }

    enum CodingKeys: String, CodingKey {
        case recommended
        case weights = "hobbit_weights"
        case rates = "forecast_rates"
        case shares = "forecast_shares"
        case tables = "budgets"
    }

    init(_ report: CalibrationReport) {
        let hobbit = report.hobbitWeights
        weights = [
            "recency": hobbit.recency.rounded3, "frequency": hobbit.frequency.rounded3,
            "high_frequency": hobbit.highFrequency.rounded3, "distance": hobbit.distance.rounded3,
        ]
        rates = (0..<3).map { report.forecast.rates[$0] }
        shares = (0..<3).map { report.forecast.shares[$0].rounded3 }
        recommended = report.recommended
        tables = report.tables.map { table in
            Budget(
                percent: table.budget,
                highSlots: table.slots?.high,
                lowSlots: table.slots?.low,
                needs: table.needCount,
                leastPenalty: table.leastPenalty.rounded3,
                policies: table.results.map { result in
                    Policy(
                        name: result.name,
                        hitRate: result.hitRate.rounded3,
                        penalty: result.penalty.rounded3,
                        closed: table.closed(result)?.rounded3,
                        savedToLRU: table.saved(result, comparedTo: "lru")?.rounded3,
                        savedToLFU: table.saved(result, comparedTo: "lfu")?.rounded3
                    )
                }
            )
        }
    }

    var text: String {
        let order = ["recency", "frequency", "high_frequency", "distance"]
        let named = order.map { "\($0) \(Format.fixed(weights[$0] ?? 0, digits: 2))" }
        let shares = shares.map { Format.fixed($0, digits: 2) }.joined(separator: ", ")
        return tables.map(text).joined()
            + "hobbit, calibrated: \(named.joined(separator: ", "))\n"
            + "forecast, calibrated: rates \(rates), shares \(shares)\n"
            + "best on the first halves: \(recommended)\n"
    }

    private func text(_ budget: Budget) -> String {
        guard let high = budget.highSlots else {
            return "\(budget.percent) %: less than what one layer needs at once\n\n"
        }
        let low = budget.lowSlots.flatMap { $0 > 0 ? ", \($0) in the low tier" : nil } ?? ""
        var table = Table([
            ("\(budget.percent) %: \(high) slots\(low)", .left), ("hits", .right),
            ("penalty", .right), ("closes", .right), ("to LRU", .right), ("to LFU", .right),
        ])
        for policy in budget.policies {
            table.add([
                policy.name, percent(policy.hitRate), Format.fixed(policy.penalty, digits: 0),
                percent(policy.closed), percent(policy.savedToLRU.map { -$0 }),
                percent(policy.savedToLFU.map { -$0 }),
            ])
        }
        table.add(["belady", "", Format.fixed(budget.leastPenalty, digits: 0), "", "", ""])
        return table.text + "\n"
    }

    private func percent(_ share: Double?) -> String {
        share.map { "\(Format.fixed($0 * 100)) %" } ?? "-"
    }
}
