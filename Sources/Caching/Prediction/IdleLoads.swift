public import Model

/// Which experts are loaded while nothing is asked for: those that coming work is expected to use
/// most, as many as there are slots.
///
/// Nobody gives way to them: `ExpertSlots.prepare` finds empty slots.
public struct IdleLoads: Hashable, Sendable {
    public let slotCount: Int
    /// The most wanted first.
    public private(set) var wanted: [ExpertID] = []
    /// How many of them were looked at.
    private var seen = 0

    /// - Parameter slotCount: experts that are in memory at once.
    public init(slotCount: Int) {
        precondition(slotCount >= 0, "\(slotCount) slots")
        self.slotCount = slotCount
    }

    /// Takes what is expected now in the place of what was expected before.
    ///
    /// - Parameter experts: the most wanted first; what is beyond the slots is left out.
    public mutating func adopt(_ experts: [ExpertID]) {
        wanted = Array(experts.prefix(slotCount))
        seen = 0
    }

    /// Something was asked for: what was loaded may have given way since.
    public mutating func restart() { seen = 0 }

    /// The most wanted expert that was not looked at and is missing.
    ///
    /// Each is named once until something is asked for, so that what cannot be read is not tried
    /// for ever.
    public mutating func nextExpert(where isMissing: (ExpertID) -> Bool) -> ExpertID? {
        while seen < wanted.count {
            seen += 1
            if isMissing(wanted[seen - 1]) { return wanted[seen - 1] }
        }
        return nil
    }
}
