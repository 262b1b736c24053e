import Experts
import Model
import Terminal

/// In which way answers are not what the model says, where the user traded accuracy.
struct Deviation: Encodable {
    private let uses: TierUses
    /// Nil where tokens could go to all experts.
    private let presence: Presence?

    init(_ uses: TierUses, _ presence: Presence?) {
        self.uses = uses
        self.presence = presence
    }

    init(_ runner: any LossyRunner) { self.init(runner.uses, runner.presence) }

    /// Names are promised to users.
    private enum CodingKeys: String, CodingKey {
        case substitutedShare = "substituted_share"
        case presentExperts = "present_experts"
        case presentBytes = "present_bytes"
    }

    func encode(to encoder: any Encoder) throws {
        try Inexactness(uses).encode(to: encoder)
        var object = encoder.container(keyedBy: CodingKeys.self)
        try object.encode(uses.substitutedShare, forKey: .substitutedShare)
        try object.encodeIfPresent(presence?.expertCount, forKey: .presentExperts)
        try object.encodeIfPresent(presence?.byteCount, forKey: .presentBytes)
    }

    static func percent(_ part: Double, digits: Int = 1) -> String {
        Format.fixed(part * 100, digits: digits) + " %"
    }

    /// One line.
    var text: String {
        guard let presence else {
            return "not exact: \(Self.percent(uses.lowShare)) of experts' uses in few bits, "
                + "\(Self.percent(uses.skippedShare)) left out"
        }
        return "not exact: \(Self.percent(uses.substitutedShare)) of experts' uses went to others, "
            + "of the \(presence.expertCount) in memory (\(Format.bytes(presence.byteCount)))"
    }

    func add(to table: inout Table) {
        guard let presence else {
            table.add(["uses in few bits", Self.percent(uses.lowShare, digits: 2)])
            table.add(["uses skipped", Self.percent(uses.skippedShare, digits: 2)])
            return
        }
        table.add(["uses that went to others", Self.percent(uses.substitutedShare, digits: 2)])
        table.add(["experts in memory", "\(presence.expertCount)"])
        table.add(["their bytes", Format.bytes(presence.byteCount)])
    }
}
