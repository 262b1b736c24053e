import Cluster
import Messaging
import Model
import Tensors
import Wire

/// What the remote runner does about workers that give accuracy for speed: tells them what they may
/// do, and holds them to what they say of their answers.
///
/// Of no effect where the coordinator takes no such workers. Keeps its memory.
struct LossyWorkers {
    /// In which precision rows used experts.
    var uses: UseBoard
    /// How workers of the plan in force give accuracy for speed; `[worker]`.
    private var kinds: [LossyKind?] = []
    /// What may be done about experts of each part's rows; `[part]`.
    private var judgements: [Judgement] = []
    /// The same of a layer that has not come.
    private var expected = Judgement()
    /// Pairs of each row of the share that was looked at last.
    private var pairCounts: [Int] = []
    /// Told that workers have become lossy, or exact.
    var onChange: () -> Void = {}

    init(areAllowed: Bool) { uses = UseBoard(isOn: areAllowed) }

    mutating func adopt(_ kinds: [LossyKind?]) {
        let wereExact = self.kinds.allSatisfy { $0 == nil }
        let areExact = kinds.allSatisfy { $0 == nil }
        let haveChanged = kinds != self.kinds
        self.kinds = kinds
        if haveChanged, !(wereExact && areExact) { onChange() }
    }

    private func kind(of worker: Int) -> LossyKind? {
        kinds.indices.contains(worker) ? kinds[worker] : nil
    }

    // MARK: What they may do

    /// A part of the step's rows goes to a layer's experts.
    mutating func start(_ part: Int, _ routing: Routing) {
        guard uses.isOn else { return }
        uses.start(part, rowCount: routing.rowCount)
        while judgements.count <= part { judgements.append(Judgement()) }
        judgements[part].judge(routing)
    }

    /// What a share says of its pairs; nothing where its worker computes them as they are.
    mutating func choices(of share: WorkerShare, to worker: Int, _ part: Int) -> [UInt8] {
        guard kind(of: worker) == .hobbit else { return [] }
        return judgements[part].said(of: share)
    }

    /// A layer is expected to choose that.
    mutating func expect(_ routing: Routing) { if uses.isOn { expected.judge(routing) } }

    /// Whether a worker may as well read an expert that the layer is expected to choose.
    func isOfUse(_ expert: Int32, to worker: Int) -> Bool {
        kind(of: worker) != .hobbit || expected.isHigh(expert)
    }

    // MARK: What they say

    /// What is wrong with how an answer says that its rows used experts; nil where nothing is.
    mutating func fault(
        _ rows: PartialRowsHeader,
        in frames: FrameList,
        of share: WorkerShare,
        from worker: Int
    ) -> String? {
        let isLossy = kind(of: worker) != nil
        guard rows.hasUses == isLossy else {
            return isLossy
                ? "it is lossy and does not say how inexact its answer is"
                : "it says that its answer is inexact, and did not say that it is lossy"
        }
        guard uses.isOn else { return nil }
        pairCounts.removeAll(keepingCapacity: true)
        pairCounts.resize(to: share.rows.count, filler: 0)
        for row in share.pairRows { pairCounts[Int(row)] += 1 }
        for (row, count) in pairCounts.enumerated() {
            let (low, skipped) = rows.uses(row: row, of: frames)
            guard Int(low) + Int(skipped) <= count else {
                return "it says that a row used \(low) experts in few bits and went without "
                    + "\(skipped), of \(count) in all"
            }
        }
        return nil
    }

    /// Counts what an answer says, after nothing was found wrong with it; an expert in shards once.
    mutating func count(
        _ rows: PartialRowsHeader,
        in frames: FrameList,
        of share: WorkerShare,
        _ trip: (layer: LayerIndex, part: Int),
        by dispatch: Dispatch
    ) {
        guard uses.isOn else { return }
        for (pair, row) in share.pairRows.enumerated()
        where !dispatch.isFirst(pair, of: share, layer: trip.layer) {
            pairCounts[Int(row)] -= 1
        }
        for (place, row) in share.rows.enumerated() {
            let (low, skipped) = rows.uses(row: place, of: frames)
            let new = TierUses(
                high: max(0, pairCounts[place] - Int(low) - Int(skipped)),
                low: Int(low),
                skipped: Int(skipped)
            )
            uses.count(new, row: Int(row), of: trip.part, isLossy: rows.hasUses)
        }
    }
}
