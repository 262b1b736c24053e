import Caching
package import Experts
package import Kernels
import Model
import Tensors
package import Wire

/// Sums the outputs of shares' experts, wherever the worker has them.
///
/// Used from one thread. Keeps its memory from share to share, until it is released.
package final class ShareArithmetic {
    private let kernels: Kernels
    private let arithmetic: ExpertArithmetic
    /// Where threads may run that read experts.
    private let readCPUs: [Int]
    /// Whether it says of every row how it used experts.
    private let isLossy: Bool
    /// Of the experts that are held on disk; nil until the first ones are.
    private var disk: Disk?
    /// Experts for which two tiers share memory.
    private var expertCount = 0
    private var budget: TierBudget?

    /// `[rows, hidden]`, of the last share.
    package private(set) var sums: [Double] = []
    /// `[rows, 2]`, experts that each row used in fewer bits, and went without; of a worker that is
    /// not lossy, none.
    package private(set) var uses: [UInt32] = []

    /// Of a share, those that are held on disk, what to do about them, and the ones of a hint.
    private var storedPairs: [ExpertArithmetic.Pair] = []
    private var choices: [LoadChoice] = []
    private var hinted: [Int32] = []

    /// How experts on disk are computed.
    private enum Disk {
        case exact(SlottedExperts)
        case hobbit(HobbitExperts)
        case resident(TieredExperts)
    }

    package init(kernels: Kernels, readCPUs: [Int], isLossy: Bool) {
        self.kernels = kernels
        self.readCPUs = readCPUs
        self.isLossy = isLossy
        arithmetic = ExpertArithmetic(kernels: kernels)
    }

    /// Computes those that are held on disk from there.
    ///
    /// - Parameter onTrouble: told why an expert had to come from the model file.
    package func open(_ experts: DiskExperts, onTrouble: @escaping (String) -> Void) {
        switch experts {
        case .exact(let stored):
            disk = .exact(
                SlottedExperts(
                    stored,
                    options: ResidencyOptions(),
                    kernels: kernels,
                    cpus: readCPUs,
                    onTrouble: { onTrouble("\($0)") }
                )
            )
        case .tiered(let stores):
            budget = stores.budget
            switch stores.experts(kernels: kernels, cpus: readCPUs, onTrouble: onTrouble) {
            case .hobbit(let experts): disk = .hobbit(experts)
            case .resident(let experts): disk = .resident(experts)
            }
            makeRoom(expertCount: expertCount)
        }
    }

    /// Lets experts in the high tier go, as far as the low tier of so many needs their memory.
    package func makeRoom(expertCount: Int) {
        self.expertCount = expertCount
        guard case .resident(let experts) = disk, let budget else { return }
        do throws(MemoryPlanError) {
            experts.limitHot(to: try budget.slots(expertCount: expertCount).high)
        } catch {
            // Whoever loads them says so.
            experts.limitHot(to: 0)
        }
    }

    /// What experts on disk cost so far; nil where there are none.
    package var figures: ResidencyFigures? {
        switch disk {
        case .exact(let experts): experts.figures
        case .hobbit(let experts): experts.figures
        case .resident(let experts): experts.figures
        case nil: nil
        }
    }

    /// Lets go of what the largest shares needed.
    package func releaseMemory() {
        sums = []
        uses = []
        storedPairs = []
        arithmetic.releaseMemory()
        if case .resident(let experts) = disk { experts.releaseMemory() }
    }

    // MARK: Shares

    /// Computes a share, and leaves its rows in `sums` and `uses`.
    ///
    /// - Parameter held: what the share means by its experts.
    /// - Returns: why they could not be computed; nil where they were.
    package func run(_ share: Share, _ held: HeldExperts, hiddenSize: Int) -> String? {
        let rowCount = share.header.rowCount
        sums.removeAll(keepingCapacity: true)
        sums.resize(to: rowCount * hiddenSize, filler: 0)
        uses.removeAll(keepingCapacity: true)
        if isLossy { uses.resize(to: rowCount * 2, filler: 0) }
        switch disk {
        case .resident(let experts): return run(share, held, experts)
        case .exact(let experts) where held.storedCount > 0:
            return runStored(
                share,
                held,
                begin: { experts.begin(share.header.layer, storedPairs) },
                settle: { experts.settle() },
                finish: { (rows: Activations, sums: inout [Double]) throws(ExpertRunnerError) in
                    try experts.finish(rows, into: &sums)
                }
            )
        case .hobbit(let experts) where held.storedCount > 0:
            let before = experts.uses
            let fault = runStored(
                share,
                held,
                begin: { experts.begin(share.header.layer, storedPairs, choices: choices) },
                settle: { experts.settle() },
                finish: { (rows: Activations, sums: inout [Double]) throws(ExpertRunnerError) in
                    try experts.finish(rows, into: &sums)
                }
            )
            note(experts.uses.since(before))
            return fault
        case .exact, .hobbit, nil: return add(pairs(of: share), of: share, held)
        }
    }

    /// Only shares of one row have choices; all others are computed as they are.
    private func note(_ new: TierUses) {
        guard uses.count == 2 else { return }
        uses[0] = UInt32(clamping: new.low)
        uses[1] = UInt32(clamping: new.skipped)
    }

    private func pairs(
        of share: Share
    ) -> LazyMapSequence<Range<Int>, ExpertArithmetic.Pair> {
        share.pairRows.indices.lazy.map { index in
            ExpertArithmetic.Pair(
                row: Int32(share.pairRows[index]),
                expert: Int(share.pairExperts[index]),
                gateWeight: share.pairWeights[index]
            )
        }
    }

    /// Those on disk are read while the others are computed.
    private func runStored(
        _ share: Share,
        _ held: HeldExperts,
        begin: () -> Void,
        settle: () -> Void,
        finish: (Activations, inout [Double]) throws(ExpertRunnerError) -> Void
    ) -> String? {
        let layer = share.header.layer
        func isStored(_ pair: ExpertArithmetic.Pair) -> Bool {
            held.isStored(ExpertID(layer: layer, index: pair.expert))
        }
        storedPairs.removeAll(keepingCapacity: true)
        choices.removeAll(keepingCapacity: true)
        for (index, pair) in pairs(of: share).enumerated() where isStored(pair) {
            storedPairs.append(pair)
            if share.header.hasChoices {
                choices.append(LoadChoice(rawValue: share.pairChoices[index]) ?? .high)
            }
        }
        begin()
        if let fault = add(pairs(of: share).filter { !isStored($0) }, of: share, held) {
            settle()
            return fault
        }
        do throws(ExpertRunnerError) {
            try finish(share.activations, &sums)
            return nil
        } catch {
            return "\(error)"
        }
    }

    private func run(_ share: Share, _ held: HeldExperts, _ experts: TieredExperts) -> String? {
        storedPairs.removeAll(keepingCapacity: true)
        for pair in pairs(of: share) { storedPairs.append(pair) }
        do throws(MissingExpert) {
            try experts.run(
                layer: share.header.layer,
                pairs: storedPairs,
                held: held,
                activations: share.activations,
                into: &sums,
                onLow: { uses[2 * Int($0.row)] += 1 }
            )
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// Adds what experts in memory compute.
    private func add(
        _ pairs: some Sequence<ExpertArithmetic.Pair>,
        of share: Share,
        _ held: HeldExperts
    ) -> String? {
        do throws(MissingExpert) {
            try arithmetic.run(
                layer: share.header.layer,
                pairs: pairs,
                held: held,
                activations: share.activations,
                into: &sums
            )
            return nil
        } catch {
            return "\(error)"
        }
    }

    // MARK: What comes next

    /// Takes what coming work is expected to use; `hobbit` makes nothing of it.
    package func want(_ outlook: Outlook, _ held: HeldExperts) {
        switch disk {
        case .exact(let experts): experts.want(outlook.experts.filter { held.isStored($0) })
        case .resident(let experts): experts.want(outlook.experts, of: held)
        case .hobbit, nil: break
        }
    }

    /// Loads of that what is missing, while there is nothing to compute.
    ///
    /// - Returns: whether loads are under way, so that it is to be called again soon.
    package func prepare() -> Bool {
        switch disk {
        case .exact(let experts): experts.prepare()
        case .resident(let experts): experts.prepare()
        case .hobbit, nil: false
        }
    }

    /// Begins to read what a layer that has not come is likely to ask for.
    package func foresee(_ hint: Hint, _ held: HeldExperts) {
        guard disk != nil, held.storedCount > 0 else { return }
        hinted.removeAll(keepingCapacity: true)
        for index in hint.experts {
            let expert = ExpertID(layer: hint.layer, index: Int(index))
            if held.isStored(expert) { hinted.append(Int32(clamping: index)) }
        }
        guard !hinted.isEmpty else { return }
        let routing = Routing(
            topK: hinted.count,
            experts: hinted,
            weights: Array(repeating: 0, count: hinted.count)
        )
        switch disk {
        case .exact(let experts):
            experts.foresee(hint.layer, distance: hint.distance, routing)
        case .hobbit(let experts):
            experts.foresee(hint.layer, distance: hint.distance, routing, choices: [])
        case .resident, nil: break
        }
    }
}
