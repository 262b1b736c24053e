import Generation
import Model

/// In which precision some rows used experts.
struct CountedUses {
    private(set) var uses: TierUses
    /// Whether a worker that is lossy computed some of it.
    private var isLossy: Bool

    init(_ uses: TierUses = TierUses(), isLossy: Bool = false) {
        self.uses = uses
        self.isLossy = isLossy
    }

    mutating func add(_ other: CountedUses) {
        uses.add(other.uses)
        isLossy = isLossy || other.isLossy
    }

    /// What whoever asked for the rows is told; nil where all workers were exact.
    var told: TierUses? { isLossy ? uses : nil }
}

/// In which precision running sequences' rows used experts, where workers are lossy.
///
/// Belongs to the step thread. A step that begins anew is counted once, as it went in the end.
struct UseBoard {
    /// Whether anything is counted: workers may be lossy.
    let isOn: Bool
    /// Of steps that are done.
    private var totals: [Engine.SequenceID: CountedUses] = [:]
    /// Of all rows of all steps so far, those that are no job's too.
    private(set) var all = TierUses()

    /// The sequences that have rows in the step; `[slice]`, nil for one that has ended since.
    private var sequences: [Engine.SequenceID?] = []
    /// What they used in it; `[slice]`.
    private var step: [CountedUses] = []
    /// Whose each row is, by slice; `[row]`, empty where the rows are no job's.
    private var owners: [Int] = []
    /// Of rows that are no job's.
    private var others = CountedUses()
    private var parts = PartRows()

    init(isOn: Bool) { self.isOn = isOn }

    // MARK: Steps

    /// A step begins; no slices for one of rows that are no job's.
    mutating func begin(_ slices: [Scheduler.Slice]) {
        guard isOn else { return }
        finishStep()
        for (place, slice) in slices.enumerated() {
            sequences.append(slice.sequence)
            step.append(CountedUses())
            for _ in 0..<slice.tokenCount { owners.append(place) }
        }
    }

    /// The step begins anew: what was counted of it is computed again.
    mutating func restart() {
        for place in step.indices { step[place] = CountedUses() }
        others = CountedUses()
        parts.begin()
    }

    private mutating func finishStep() {
        for (place, sequence) in sequences.enumerated() {
            if let sequence { settle(place, of: sequence) }
        }
        _ = takeOthers()
        sequences.removeAll(keepingCapacity: true)
        step.removeAll(keepingCapacity: true)
        owners.removeAll(keepingCapacity: true)
        restart()
    }

    private mutating func settle(_ place: Int, of sequence: Engine.SequenceID) {
        all.add(step[place].uses)
        totals[sequence, default: CountedUses()].add(step[place])
        step[place] = CountedUses()
    }

    // MARK: Rows

    /// A part of the step's rows goes to a layer's experts.
    mutating func start(_ part: Int, rowCount: Int) {
        if isOn { parts.start(part, rowCount: rowCount) }
    }

    /// Counts how a row of a part used experts of one worker.
    mutating func count(_ uses: TierUses, row: Int, of part: Int, isLossy: Bool) {
        guard isOn, let first = parts.first(of: part) else { return }
        let row = first + row
        let counted = CountedUses(uses, isLossy: isLossy)
        guard owners.indices.contains(row) else { return others.add(counted) }
        step[owners[row]].add(counted)
    }

    // MARK: Ends

    /// A sequence has ended: what its rows used, or nil where no lossy worker computed any.
    mutating func take(_ sequence: Engine.SequenceID) -> TierUses? {
        guard isOn else { return nil }
        if let place = sequences.firstIndex(of: sequence) {
            settle(place, of: sequence)
            sequences[place] = nil
        }
        return totals.removeValue(forKey: sequence)?.told
    }

    /// What the rows of a step used that are no job's, once it is done.
    mutating func takeOthers() -> CountedUses {
        let taken = others
        all.add(taken.uses)
        others = CountedUses()
        return taken
    }
}
