import Generation
import Model

/// In which precision running sequences' rows used experts, where workers are lossy.
///
/// Belongs to the step thread. A step that begins anew is counted once, as it went in the end.
struct UseBoard {
    /// Whether anything is counted: workers may be lossy.
    let isOn: Bool
    /// Of steps that are done.
    private var totals: [Engine.SequenceID: Entry] = [:]
    /// Of all rows of all steps so far, those that are no job's too.
    private(set) var all = TierUses()

    /// The sequences that have rows in the step; `[slice]`, nil for one that has ended since.
    private var sequences: [Engine.SequenceID?] = []
    /// What they used in it; `[slice]`.
    private var step: [Entry] = []
    /// Whose each row is, by slice; `[row]`, empty where the rows are no job's.
    private var owners: [Int] = []
    /// Of rows that are no job's.
    private var others = TierUses()
    /// Where each part's rows begin; `[part]`, as far as they have come.
    private var firstRows: [Int] = []
    private var nextRow = 0

    private struct Entry {
        var uses = TierUses()
        /// Whether a worker that is lossy computed some of it.
        var isLossy = false

        mutating func add(_ other: Entry) {
            uses.add(other.uses)
            isLossy = isLossy || other.isLossy
        }
    }

    init(isOn: Bool) { self.isOn = isOn }

    // MARK: Steps

    /// A step begins; no slices for one of rows that are no job's.
    mutating func begin(_ slices: [Scheduler.Slice]) {
        guard isOn else { return }
        finishStep()
        for (place, slice) in slices.enumerated() {
            sequences.append(slice.sequence)
            step.append(Entry())
            for _ in 0..<slice.tokenCount { owners.append(place) }
        }
    }

    /// The step begins anew: what was counted of it is computed again.
    mutating func restart() {
        for place in step.indices { step[place] = Entry() }
        others = TierUses()
        firstRows.removeAll(keepingCapacity: true)
        nextRow = 0
    }

    private mutating func finishStep() {
        for (place, sequence) in sequences.enumerated() {
            if let sequence { settle(place, of: sequence) }
        }
        all.add(others)
        sequences.removeAll(keepingCapacity: true)
        step.removeAll(keepingCapacity: true)
        owners.removeAll(keepingCapacity: true)
        restart()
    }

    private mutating func settle(_ place: Int, of sequence: Engine.SequenceID) {
        all.add(step[place].uses)
        totals[sequence, default: Entry()].add(step[place])
        step[place] = Entry()
    }

    // MARK: Rows

    /// A part of the step's rows goes to a layer's experts; the first time, they follow those of
    /// the part before.
    mutating func start(_ part: Int, rowCount: Int) {
        guard isOn, part == firstRows.count else { return }
        firstRows.append(nextRow)
        nextRow += rowCount
    }

    /// Counts how a row of a part used experts of one worker.
    mutating func count(_ uses: TierUses, row: Int, of part: Int, isLossy: Bool) {
        guard isOn, firstRows.indices.contains(part) else { return }
        let row = firstRows[part] + row
        guard owners.indices.contains(row) else { return others.add(uses) }
        step[owners[row]].add(Entry(uses: uses, isLossy: isLossy))
    }

    // MARK: Ends

    /// A sequence has ended: what its rows used, or nil where no lossy worker computed any.
    mutating func take(_ sequence: Engine.SequenceID) -> TierUses? {
        guard isOn else { return nil }
        if let place = sequences.firstIndex(of: sequence) {
            settle(place, of: sequence)
            sequences[place] = nil
        }
        guard let entry = totals.removeValue(forKey: sequence), entry.isLossy else { return nil }
        return entry.uses
    }
}
