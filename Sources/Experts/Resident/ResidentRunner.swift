public import ExpertStore
public import Kernels
public import Model
public import Tensors

/// Computes experts in this process with memory for some of them; the others are read when they are
/// chosen.
///
/// Exact: every chosen expert is computed, and sums do not depend on the order, so the answer has
/// the bits that it has with all experts in memory. What is in memory is computed while the rest is
/// read, and each of these as it arrives. Used from one thread; it waits for reads, and leaves the
/// cores to others meanwhile.
public final class ResidentRunner: ExpertRunner {
    private let arithmetic: ExpertArithmetic
    private let kernels: Kernels
    private let layout: StoreLayout
    private let memory: SlotMemory
    private let reads: ReadPool
    /// Sources that are as fast as they should be.
    private let fastSourceCount: Int
    private let onTrouble: (StoreError) -> Void
    public private(set) var figures = ResidencyFigures()

    private var slots: SlotTable
    /// Slots of each layer, were they given out evenly.
    private let share: Int
    private var batches: [Int: Batch] = [:]
    private var walk: LayerWalk
    /// Experts of the walk that may stay once they were read and computed.
    private var staying = 0
    /// What is computed next.
    private var piece: [Int] = []
    private var lent: LentExperts

    private struct Batch {
        let layer: LayerIndex
        let activations: Activations
        let routing: Routing
    }

    /// Experts that are computed in one go, so that reads are posted in between.
    private static let pieceLength = 8

    /// - Parameters:
    ///   - memory: the slots, as large as `layout` says.
    ///   - reads: into that memory.
    ///   - fastSourceCount: experts from later ones of its sources count as fallbacks.
    ///   - onTrouble: told why an expert had to come from a later source.
    public init(
        layout: StoreLayout,
        expertCounts: [Int],
        memory: SlotMemory,
        reads: ReadPool,
        fastSourceCount: Int,
        kernels: Kernels,
        onTrouble: @escaping (StoreError) -> Void
    ) {
        precondition(memory.slotCount > 0 && memory.slotByteCount >= layout.slotByteCount)
        arithmetic = ExpertArithmetic(kernels: kernels)
        self.kernels = kernels
        self.layout = layout
        self.memory = memory
        self.reads = reads
        self.fastSourceCount = fastSourceCount
        self.onTrouble = onTrouble
        slots = SlotTable(expertCounts: expertCounts, slotCount: memory.slotCount)
        share = memory.slotCount / max(1, expertCounts.count(where: { $0 > 0 }))
        walk = LayerWalk(expertCount: expertCounts.max() ?? 0)
        lent = LentExperts(expertCount: expertCounts.max() ?? 0)
        piece.reserveCapacity(expertCounts.max() ?? 0)
    }

    /// Experts that are in memory at once.
    public var slotCount: Int { memory.slotCount }

    // MARK: One layer

    public func start(
        _ part: Int,
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        batches[part] = Batch(layer: layer, activations: activations, routing: routing)
        // Others' experts are read when their turn comes.
        if walk.part == nil { begin(part, layer, routing) }
    }

    public func finish(_ part: Int, into sums: inout [Double]) throws(ExpertRunnerError) {
        guard let batch = batches.removeValue(forKey: part) else { return }
        if walk.part != part {
            settle()
            begin(part, batch.layer, batch.routing)
        }
        while true {
            postReads()
            while let end = reads.next() { try take(end) }
            if piece.isEmpty { walk.takePresent(Self.pieceLength, into: &piece) }
            guard piece.isEmpty else {
                compute(batch, into: &sums)
                continue
            }
            guard reads.count > 0 else { break }
            kernels.pool.rest()
            let start = ContinuousClock.now
            let end = reads.wait()
            figures.stalled += ContinuousClock.now - start
            try take(end)
        }
        walk.end()
    }

    public func cancel() {
        batches.removeAll(keepingCapacity: true)
        settle()
    }

    /// Finds out what of a layer is in memory, and begins to read the rest.
    private func begin(_ part: Int, _ layer: LayerIndex, _ routing: Routing) {
        walk.begin(part, layer: layer, routing)
        for expert in walk.chosen {
            let id = walk.id(expert)
            let isPresent = slots.slot(of: id) != nil
            slots.hold(id)
            walk.add(expert, isPresent: isPresent)
        }
        walk.turn()
        figures.uses += walk.chosen.count
        figures.hits += walk.present.count
        // A prompt's rows want nearly all experts, layer after layer. What was read first would be
        // gone when it is wanted again, so each layer keeps its share, and the rest passes through.
        let passes = routing.rowCount > 1 && walk.chosen.count > share
        staying = passes ? max(0, share - walk.present.count) : .max
        postReads()
    }

    private func postReads() {
        while let expert = walk.nextAbsent, reads.count < reads.capacity,
            let slot = slots.admit(walk.id(expert))
        {
            walk.takeAbsent()
            reads.post(walk.id(expert), slot: slot)
        }
    }

    /// Notes that an expert arrived, or why it did not.
    private func take(_ end: ReadPool.End) throws(ExpertRunnerError) {
        if let trouble = end.trouble { onTrouble(trouble) }
        guard let source = end.source else {
            forget(end.expert)
            let layer = walk.layer
            settle()
            let reason = end.trouble.map { "\($0)" } ?? "reading was given up"
            throw .expertsMissing(layer: layer, reason: "\(end.expert) cannot be read: \(reason)")
        }
        if source >= fastSourceCount { figures.fallbacks += 1 }
        figures.bytesRead += layout.extent(of: end.expert)?.count ?? 0
        piece.append(end.expert.index)
        guard staying > 0 else { return lent.isPassing[end.expert.index] = true }
        staying -= 1
    }

    /// Computes the piece, and lets go of its experts.
    private func compute(_ batch: Batch, into sums: inout [Double]) {
        lent.layer = batch.layer
        for expert in piece {
            let id = walk.id(expert)
            guard let slot = slots.slot(of: id) else { continue }
            lent.weights[expert] = layout.weights(of: id, in: memory[slot])
        }
        addOutputs(batch, into: &sums)
        for expert in piece { letGo(expert) }
        piece.removeAll(keepingCapacity: true)
    }

    private func addOutputs(_ batch: Batch, into sums: inout [Double]) {
        let routing = batch.routing
        let pairs = routing.experts.indices.lazy
            .filter { [lent] in lent.weights[Int(routing.experts[$0])] != nil }
            .map { index in
                ExpertArithmetic.Pair(
                    row: Int32(index / routing.topK),
                    expert: Int(routing.experts[index]),
                    gateWeight: routing.weights[index]
                )
            }
        do throws(MissingExpert) {
            try arithmetic.run(
                layer: batch.layer,
                pairs: pairs,
                held: lent,
                activations: batch.activations,
                into: &sums
            )
        } catch {
            preconditionFailure("\(error), though its weights were lent")
        }
    }

    private func letGo(_ expert: Int) {
        lent.weights[expert] = nil
        let passes = lent.isPassing[expert]
        lent.isPassing[expert] = false
        slots.release(walk.id(expert))
        if passes { slots.remove(walk.id(expert)) }
    }

    /// Ends a walk in the middle: what arrived stays, what did not come is forgotten.
    private func settle() {
        guard walk.part != nil else { return }
        reads.abandon()
        while reads.count > 0 {
            let end = reads.wait()
            end.source == nil
                ? forget(end.expert) : slots.release(end.expert)
        }
        walk.takePresent(.max, into: &piece)
        for expert in piece { letGo(expert) }
        piece.removeAll(keepingCapacity: true)
        walk.end()
    }

    private func forget(_ id: ExpertID) {
        slots.release(id)
        slots.remove(id)
    }
}

/// Weights that one call of the arithmetic may use.
private struct LentExperts: ExpertHolder {
    var layer = LayerIndex(0)
    /// What may be used; `[expert]`.
    var weights: [FeedForwardWeights?]
    /// Whether an expert's slot is free again once it was computed; `[expert]`.
    var isPassing: [Bool]

    init(expertCount: Int) {
        weights = Array(repeating: nil, count: expertCount)
        isPassing = Array(repeating: false, count: expertCount)
    }

    subscript(id: ExpertID) -> FeedForwardWeights? {
        id.layer == layer ? weights[id.index] : nil
    }
}
