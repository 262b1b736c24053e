import Caching
import Experts
import Generation
import Model
import Terminal

/// What a memory budget did to an answer whose experts did not all fit.
struct BudgetFigures: Encodable {
    private let budget: Int
    /// Of the model.
    private let expertCount: Int
    private let slots: SlotCounts
    private let total: ResidencyFigures
    /// What tokens cost that were made one by one, after the prompt and the first of them.
    private let decode: ResidencyFigures
    private let decodedCount: Int

    /// - Parameters:
    ///   - budget: bytes that the process may have in memory.
    ///   - prompt: what experts had cost once the first token was made; nil where none was.
    ///   - result: of the only request.
    init(
        _ runner: any BudgetedRunner,
        _ model: ModelDescription,
        budget: Int,
        prompt: ResidencyFigures?,
        _ result: GenerationResult
    ) {
        self.budget = budget
        expertCount = model.expertCounts.reduce(0, +)
        slots = runner.slotCounts
        total = runner.figures
        decode = total.since(prompt ?? total)
        decodedCount = max(0, result.tokens.count - 1)
    }

    /// Of what decoding took, the part of one token; nil where too few were made to tell.
    private func perToken(_ all: Int) -> Int? { decodedCount > 0 ? all / decodedCount : nil }

    private var stallPerToken: Double? {
        decodedCount > 0 ? decode.stalled / .milliseconds(1) / Double(decodedCount) : nil
    }

    // MARK: For people

    /// Two lines.
    var text: String { "memory: \(memory)\ndisk: \(disk)" }

    /// What to say of a model all of whose experts fit.
    static func textOfAll(_ model: ModelDescription) -> String {
        "memory: all \(model.expertCounts.reduce(0, +)) experts"
    }

    private var memory: String {
        let all = "\(slots.high) of \(expertCount) experts"
        let found = "\(Deviation.percent(total.hitRate)) of those chosen were there"
        guard slots.low > 0 else { return "\(all); \(found)" }
        let tiers = "\(all) as in the file, \(slots.low) in few bits; \(found)"
        guard let rates = total.tierHitRates else { return "\(tiers) as in the file" }
        return tiers + ", \(Deviation.percent(rates.high)) of those wanted as in the file, "
            + "\(Deviation.percent(rates.low)) of the others"
    }

    private var disk: String {
        var parts = ["\(Format.bytes(total.bytesRead)) read"]
        if let bytes = perToken(decode.bytesNeeded) {
            parts.append("\(Format.bytes(bytes)) needed for each token made")
        }
        parts.append("\(Format.fixed(Format.seconds(total.stalled))) s waited")
        if let accuracy = total.accuracies.first {
            parts.append("\(Deviation.percent(accuracy)) of guesses right")
        }
        if total.fallbacks > 0 {
            parts.append("\(Format.count(total.fallbacks, "expert")) from the model file")
        }
        return parts.joined(separator: ", ")
    }

    // MARK: For programs

    /// Names are promised to users; `moiety-bench model --json` has the same, and `moiety nodes`.
    private enum CodingKeys: String, CodingKey {
        case experts, slots, uses, hits, foreseen, guesses, fallbacks
        case budget = "memory_budget"
        case lowSlots = "low_slots"
        case hitRate = "hit_rate"
        case highHitRate = "high_hit_rate"
        case lowHitRate = "low_hit_rate"
        case readAhead = "read_ahead"
        case bytesRead = "bytes_read"
        case bytesPerToken = "bytes_read_per_token"
        case bytesInVain = "bytes_read_in_vain_per_token"
        case stall = "stall_s"
        case stallPerToken = "stall_ms_per_token"
        case rightGuesses = "right_guesses"
    }

    func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: CodingKeys.self)
        try object.encode(budget, forKey: .budget)
        try object.encode(expertCount, forKey: .experts)
        try object.encode(slots.high, forKey: .slots)
        if slots.low > 0 { try object.encode(slots.low, forKey: .lowSlots) }
        try object.encode(total.uses, forKey: .uses)
        try object.encode(total.hits, forKey: .hits)
        try object.encode(total.hitRate, forKey: .hitRate)
        try object.encodeIfPresent(total.tierHitRates?.high, forKey: .highHitRate)
        try object.encodeIfPresent(total.tierHitRates?.low, forKey: .lowHitRate)
        try object.encode(total.foreseen, forKey: .foreseen)
        try object.encode(total.readAhead, forKey: .readAhead)
        try object.encode(total.bytesRead, forKey: .bytesRead)
        try object.encodeIfPresent(perToken(decode.bytesNeeded), forKey: .bytesPerToken)
        try object.encodeIfPresent(perToken(decode.bytesInVain), forKey: .bytesInVain)
        try object.encode(Format.seconds(total.stalled), forKey: .stall)
        try object.encodeIfPresent(stallPerToken, forKey: .stallPerToken)
        try object.encode(total.guesses.indices.map { total.guesses[$0] }, forKey: .guesses)
        try object.encode(
            total.rightGuesses.indices.map { total.rightGuesses[$0] },
            forKey: .rightGuesses
        )
        try object.encode(total.fallbacks, forKey: .fallbacks)
    }
}
