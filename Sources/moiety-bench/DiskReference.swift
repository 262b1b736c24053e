import Benchmarking
import Caching
import Experts
import Model
import Terminal

/// What decode took from disk, beside how fast the disk was at that moment.
final class DiskReference {
    private let runner: any BudgetedRunner
    private let reads: DirectReads
    private var rates: [Double] = []
    private var shares: [Double] = []
    private var total = ResidencyFigures()
    private var uses = TierUses()

    /// Nil where all experts are in memory, or there is no file of packed experts.
    init?(_ loaded: LoadedModel) throws {
        guard let runner = loaded.resident, let path = loaded.storePath else { return nil }
        self.runner = runner
        reads = try DirectReads(path: path)
    }

    /// Runs `decode`, which returns tokens per second.
    func measure(_ decode: () throws -> Double) throws -> Double {
        let rate = try reads.rate()
        let before = runner.figures
        let usesBefore = lossy?.uses ?? TierUses()
        let start = ContinuousClock.now
        let result = try decode()
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let cost = runner.figures.since(before)
        total.add(cost)
        if let lossy { uses.add(lossy.uses.since(usesBefore)) }
        rates.append(rate)
        shares.append(Double(cost.bytesNeeded) / rate / seconds)
        return result
    }

    private var lossy: (any LossyRunner)? { runner as? any LossyRunner }

    /// - Parameter tokenCount: of one measurement.
    func figures(tokenCount: Int) -> DiskFigures? {
        guard !rates.isEmpty else { return nil }
        return DiskFigures(
            slots: runner.slotCounts,
            uses: lossy == nil ? nil : uses,
            presence: lossy?.presence,
            total: total,
            tokenCount: tokenCount * rates.count,
            rate: Sample(rates),
            share: Sample(shares)
        )
    }
}

/// What experts on disk cost while a model was measured.
struct DiskFigures: Encodable {
    let slots: SlotCounts
    /// Nil where answers are exact.
    let uses: TierUses?
    /// Nil where rows may go to all experts.
    let presence: Presence?
    let total: ResidencyFigures
    let tokenCount: Int
    let rate: Sample
    /// Of the speed that decode would have if it did nothing but read.
    let share: Sample

    private var bytesPerToken: Int { total.bytesNeeded / max(1, tokenCount) }
    private var bytesInVain: Int { total.bytesInVain / max(1, tokenCount) }
    private var stallPerToken: Double {
        total.stalled / .milliseconds(1) / Double(max(1, tokenCount))
    }

    func add(to table: inout Table) {
        table.add(["experts in memory", "\(slots.high)"])
        if let uses, let presence {
            table.add(["alone taken", Format.bytes(presence.byteCount)])
            table.add(["instead of others", Format.fixed(uses.substitutedShare * 100) + " %"])
        } else if let uses {
            table.add(["in few bits", "\(slots.low)"])
            table.add(["used in few bits", Format.fixed(uses.lowShare * 100) + " %"])
            table.add(["left out", Format.fixed(uses.skippedShare * 100) + " %"])
        }
        table.add(["found there", Format.fixed(total.hitRate * 100) + " %"])
        if let rates = total.tierHitRates {
            table.add(["of the high tier", Format.fixed(rates.high * 100) + " %"])
            table.add(["of the low tier", Format.fixed(rates.low * 100) + " %"])
        }
        table.add(["read per token", Format.bytes(bytesPerToken)])
        table.add(["read in vain", Format.bytes(bytesInVain)])
        let foreseen = Double(total.foreseen) / Double(max(1, total.uses - total.hits))
        table.add(["begun early", Format.fixed(foreseen * 100) + " %"])
        for (place, accuracy) in total.accuracies.enumerated() {
            let text = Format.fixed(accuracy * 100) + " %"
            table.add(["guessed \(place) ahead", text])
        }
        table.add(["waited per token", Format.fixed(stallPerToken) + " ms"])
        table.add(["disk, read directly", rate.map(\.giga).text(digits: 2) + " GB/s"])
        table.add(["share of its speed", share.map { $0 * 100 }.text() + " %"])
        guard total.fallbacks > 0 else { return }
        table.add(["from the model file", Format.count(total.fallbacks, "expert")])
    }

    private enum CodingKeys: String, CodingKey {
        case slots, fallbacks, foreseen
        case lowSlots = "low_slots"
        case lowShare = "low_share"
        case skippedShare = "skipped_share"
        case substitutedShare = "substituted_share"
        case presentExperts = "present_experts"
        case presentBytes = "present_bytes"
        case bytesInVain = "bytes_read_in_vain_per_token"
        case readAhead = "read_ahead"
        case accuracies = "guess_accuracy"
        case hitRate = "hit_rate"
        case highHitRate = "high_hit_rate"
        case lowHitRate = "low_hit_rate"
        case bytesPerToken = "bytes_read_per_token"
        case stallPerToken = "stall_ms_per_token"
        case rate = "direct_read_gb_s"
        case share = "direct_read_share"
        case shareMinimum = "direct_read_share_min"
        case shareMaximum = "direct_read_share_max"
    }

    func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: CodingKeys.self)
        try object.encode(slots.high, forKey: .slots)
        if let uses {
            try object.encode(slots.low, forKey: .lowSlots)
            try object.encode(uses.lowShare.rounded3, forKey: .lowShare)
            try object.encode(uses.skippedShare.rounded3, forKey: .skippedShare)
            try object.encode(uses.substitutedShare.rounded3, forKey: .substitutedShare)
        }
        try object.encodeIfPresent(presence?.expertCount, forKey: .presentExperts)
        try object.encodeIfPresent(presence?.byteCount, forKey: .presentBytes)
        try object.encode(total.fallbacks, forKey: .fallbacks)
        try object.encode(total.hitRate.rounded3, forKey: .hitRate)
        try object.encodeIfPresent(total.tierHitRates?.high.rounded3, forKey: .highHitRate)
        try object.encodeIfPresent(total.tierHitRates?.low.rounded3, forKey: .lowHitRate)
        try object.encode(bytesPerToken, forKey: .bytesPerToken)
        try object.encode(bytesInVain, forKey: .bytesInVain)
        try object.encode(total.readAhead, forKey: .readAhead)
        try object.encode(total.foreseen, forKey: .foreseen)
        try object.encode(total.accuracies.map(\.rounded3), forKey: .accuracies)
        try object.encode(stallPerToken.rounded3, forKey: .stallPerToken)
        try object.encode(rate.median.giga.rounded3, forKey: .rate)
        try object.encode(share.median.rounded3, forKey: .share)
        try object.encode(share.minimum.rounded3, forKey: .shareMinimum)
        try object.encode(share.maximum.rounded3, forKey: .shareMaximum)
    }
}
