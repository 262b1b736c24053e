import Caching
public import ExpertStore
public import Kernels
public import Model
public import Tensors

/// Experts of which some are in memory, in slots, and the others on disk; and their arithmetic.
///
/// What a layer chose and is not in memory is read at once; what is there is computed meanwhile,
/// and each of the others as it arrives. What the next layers are expected to choose is read when
/// nothing else is, so that the disk goes on while attention is computed. Used from one thread; it
/// waits for reads, and leaves the cores to others meanwhile.
public final class SlottedExperts {
    private let arithmetic: ExpertArithmetic
    private let kernels: Kernels
    private let layout: StoreLayout
    private let memory: SlotMemory
    private let reads: ReadPool
    /// Sources that are as fast as they should be.
    private let fastSourceCount: Int
    private let onTrouble: (StoreError) -> Void
    public private(set) var figures = ResidencyFigures()

    private let numbering: ExpertNumbering
    private var slots: ExpertSlots
    /// What is known of each; `[number]`.
    private var stages: [SlotStage]
    private var walk: LayerWalk
    private var ahead: Foresight
    /// Of the layer under way.
    private var pairs: [ExpertArithmetic.Pair] = []
    /// Of the piece that is computed.
    private var piecePairs: [ExpertArithmetic.Pair] = []
    /// Reads under way of experts that the layer chose.
    private var awaitedCount = 0
    private let awaitedLimit: Int
    /// Reads under way of others.
    private var early: [ExpertID] = []
    private let earlyLimit: Int
    /// What coming work is expected to use most.
    private var idle: IdleLoads
    /// Whether it was loaded because of that, and not chosen since; `[number]`.
    private var isPrepared: [Bool]
    /// What is computed next.
    private var piece: [Int] = []
    private var lent: LentExperts

    /// Experts that are computed in one go, so that reads are posted in between.
    private static let pieceLength = 8

    /// Reads ahead that are under way at once: enough for the time that attention of a batch's
    /// rows takes, in which none is posted.
    private static let mostEarly = 16
    /// Loads under way at once while nothing is asked for: few, because what is asked for next
    /// comes behind their last blocks.
    private static let mostIdle = 4
    /// Which part of the slots they may fill.
    private static let earlyPart = 4

    /// - Parameters:
    ///   - expertCounts: experts of each layer.
    ///   - expertsPerRow: how many of them a row chooses.
    ///   - memory: the slots, as large as `layout` says.
    ///   - reads: into that memory; with room for one read it does not read ahead.
    ///   - fastSourceCount: experts from later ones of its sources count as fallbacks.
    ///   - onTrouble: told why an expert had to come from a later source.
    public init(
        layout: StoreLayout,
        expertCounts: [Int],
        expertsPerRow: Int,
        memory: SlotMemory,
        reads: ReadPool,
        fastSourceCount: Int,
        options: ResidencyOptions = ResidencyOptions(),
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
        earlyLimit =
            options.foresight > 0
            ? min(Self.earlyLimit(slotCount: memory.slotCount), reads.capacity - 1) : 0
        awaitedLimit = reads.capacity - earlyLimit
        slots = ExpertSlots(
            expertCounts: expertCounts,
            slotCounts: SlotCounts(high: memory.slotCount),
            policy: options.policy
        )
        numbering = slots.numbering
        stages = Array(repeating: .settled, count: numbering.count)
        idle = IdleLoads(slotCount: memory.slotCount)
        isPrepared = Array(repeating: false, count: numbering.count)
        ahead = Foresight(
            expertCounts: expertCounts,
            expertsPerRow: expertsPerRow,
            depth: earlyLimit > 0 ? options.foresight : 0
        )
        let most = expertCounts.max() ?? 0
        walk = LayerWalk(expertCount: most)
        lent = LentExperts(expertCount: most)
        piece.reserveCapacity(most)
        early.reserveCapacity(earlyLimit)
    }

    private static func earlyLimit(slotCount: Int) -> Int {
        min(mostEarly, max(1, slotCount / earlyPart))
    }

    /// Experts under way at once: enough that a disk is never idle while some are computed.
    private static let readCapacity = 8

    /// - Parameters:
    ///   - cpus: where the threads may run that read.
    ///   - onTrouble: told why an expert had to come from the model file.
    public convenience init(
        _ stored: StoredExperts,
        options: ResidencyOptions,
        kernels: Kernels,
        cpus: [Int] = CurrentThread.cpus,
        onTrouble: @escaping (StoreError) -> Void
    ) {
        let early = options.foresight > 0 ? Self.earlyLimit(slotCount: stored.slotCount) : 0
        let reads = ReadPool(
            memory: stored.memory,
            sources: stored.sources,
            capacity: min(Self.readCapacity + early, stored.slotCount),
            cpus: cpus
        )
        self.init(
            layout: stored.layout,
            expertCounts: stored.expertCounts,
            expertsPerRow: stored.expertsPerRow,
            memory: stored.memory,
            reads: reads,
            fastSourceCount: stored.fastSourceCount,
            options: options,
            kernels: kernels,
            onTrouble: { trouble in
                stored.note(trouble)
                onTrouble(trouble)
            }
        )
    }

    /// Experts that are in memory at once.
    public var slotCount: Int { memory.slotCount }

    /// Whether an expert is in memory, or on its way.
    func holds(_ id: ExpertID) -> Bool { slots.slot(of: id, tier: .high) != nil }

    /// Layers ahead whose choice is worth guessing.
    public var foresight: Int { ahead.depth }

    /// Whether the disk has time for what may be read in vain.
    var readsAhead: Bool { reads.hasTimeToSpare }

    // MARK: One layer

    /// Finds out what of a layer is in memory, and begins to read the rest.
    ///
    /// - Precondition: the layer has the experts.
    public func begin(_ layer: LayerIndex, _ pairs: some Sequence<ExpertArithmetic.Pair>) {
        self.pairs.removeAll(keepingCapacity: true)
        for pair in pairs { self.pairs.append(pair) }
        begin(layer)
    }

    /// The same for rows as a router gives them.
    public func begin(_ layer: LayerIndex, _ routing: Routing) {
        pairs.removeAll(keepingCapacity: true)
        for index in routing.experts.indices { pairs.append(routing.pair(at: index)) }
        begin(layer)
    }

    private func begin(_ layer: LayerIndex) {
        walk.begin(layer, pairs)
        idle.restart()
        slots.enter(layer)
        ahead.judge(walk, &figures) { id in
            slots.slot(of: id, tier: .high) == nil || self[stageOf: id] != .settled
        }
        for id in early where id.layer == layer && !walk.contains(id.index) { reads.abandon(id) }
        figures.uses += walk.chosen.count
        // The first one is to be read first.
        for expert in walk.chosen.reversed() { seek(expert) }
        postReads()
    }

    /// Says where a chosen expert is, and keeps it there.
    private func seek(_ expert: Int) {
        let id = walk.id(expert)
        slots.use(id, tier: .high)
        guard slots.slot(of: id, tier: .high) != nil else { return walk.addAbsent(expert) }
        let wasPrepared = self[isPrepared: id]
        if wasPrepared {
            figures.idleUses += 1
            self[isPrepared: id] = false
        }
        switch self[stageOf: id] {
        case .early, .awaited:
            self[stageOf: id] = .awaited
            early.removeAll { $0 == id }
            awaitedCount += 1
            figures.foreseen += 1
            reads.hurry(id)
            // It is held already.
            return
        case .unused:
            self[stageOf: id] = .settled
            figures.foreseen += 1
            figures.bytesNeeded += byteCount(of: id)
        case .settled:
            figures.hits += 1
            if wasPrepared { figures.bytesNeeded += byteCount(of: id) }
        }
        slots.hold(id, tier: .high)
        walk.addPresent(expert)
    }

    /// Adds the weighted outputs of the layer that was begun.
    ///
    /// - Parameters:
    ///   - activations: `[rows, hidden]`, as `ExpertArithmetic.run` wants them.
    ///   - sums: `[rows, hidden]`, f64.
    /// - Throws: `expertsMissing` where one cannot be read.
    public func finish(
        _ activations: Activations,
        into sums: inout [Double]
    ) throws(ExpertRunnerError) {
        while true {
            postReads()
            while let end = reads.next() { try take(end) }
            if piece.isEmpty { walk.takePresent(Self.pieceLength, into: &piece) }
            guard piece.isEmpty else {
                compute(activations, into: &sums)
                continue
            }
            guard awaitedCount > 0 || walk.nextAbsent != nil else { break }
            // Nothing could be posted: slots that are filled early are needed now.
            if awaitedCount == 0 { for id in early { reads.abandon(id) } }
            guard reads.count > 0 else { continue }
            let start = ContinuousClock.now
            let end = waitForRead()
            figures.stalled += ContinuousClock.now - start
            try take(end)
        }
        walk.end()
    }

    // MARK: Reads

    private func postReads() {
        while let expert = walk.nextAbsent, hasRoomToRead, awaitedCount < awaitedLimit,
            let slot = slots.admit(walk.id(expert), tier: .high)
        {
            walk.takeAbsent()
            awaitedCount += 1
            post(walk.id(expert), slot, as: .awaited)
        }
        if walk.nextAbsent == nil { postEarly() }
    }

    /// Whether another read may be under way: experts that were read early and are chosen then add
    /// to those that are awaited, beyond their limit.
    private var hasRoomToRead: Bool { awaitedCount + early.count < reads.capacity }

    private func postEarly() {
        guard earlyLimit > 0, readsAhead else { return }
        while hasRoomToRead, early.count < earlyLimit,
            let id = ahead.nextExpert(where: { slots.slot(of: $0, tier: .high) == nil }),
            let slot = slots.prefetch(id, tier: .high)
        {
            early.append(id)
            figures.readAhead += 1
            post(id, slot, as: .early)
        }
    }

    private func post(_ id: ExpertID, _ place: ExpertSlots.Admission, as stage: SlotStage) {
        if let gone = place.evicted {
            self[stageOf: gone] = .settled
            self[isPrepared: gone] = false
        }
        self[stageOf: id] = stage
        reads.post(id, slot: place.slot, isAhead: stage == .early)
    }

    /// Notes that an expert arrived, or why it did not.
    private func take(_ end: ReadPool.End) throws(ExpertRunnerError) {
        let isAwaited = settle(end)
        guard end.source != nil else {
            forget(end.expert)
            guard isAwaited else { return }
            // It was given up before it was chosen.
            guard let trouble = end.trouble else { return walk.addAbsent(end.expert.index) }
            let layer = walk.layer
            settle()
            let reason = "\(end.expert) cannot be read: \(trouble)"
            throw .expertsMissing(layer: layer, reason: reason)
        }
        guard isAwaited else { return arrive(end.expert) }
        figures.bytesNeeded += byteCount(of: end.expert)
        piece.append(end.expert.index)
    }

    /// Waits for a read that is under way, awake at first.
    ///
    /// To be woken takes longer than many reads leave to spare. Who reads has the cores meanwhile.
    private func waitForRead() -> ReadPool.End {
        var end: ReadPool.End?
        let came = kernels.pool.rest {
            end = reads.next()
            return end != nil
        }
        if came, let end { return end }
        return reads.wait()
    }

    /// Counts a read that has ended; says whether its expert was waited for.
    private func settle(_ end: ReadPool.End) -> Bool {
        let isAwaited = self[stageOf: end.expert] == .awaited
        self[stageOf: end.expert] = .settled
        if isAwaited { awaitedCount -= 1 } else { early.removeAll { $0 == end.expert } }
        // Who is read early and does not come is asked for again, if he is chosen.
        if let trouble = end.trouble, isAwaited || end.source != nil { onTrouble(trouble) }
        if let source = end.source, source >= fastSourceCount { figures.fallbacks += 1 }
        let size = byteCount(of: end.expert)
        figures.bytesRead +=
            end.source == nil ? min(end.blockCount * StoreLayout.blockByteCount, size) : size
        return isAwaited
    }

    /// Ends a layer in the middle: what arrived stays, what did not come is forgotten.
    public func settle() {
        reads.abandon()
        while reads.count > 0 {
            let end = reads.wait()
            _ = settle(end)
            end.source == nil ? forget(end.expert) : slots.release(end.expert, tier: .high)
        }
        walk.takePresent(.max, into: &piece)
        for expert in piece { letGo(expert) }
        piece.removeAll(keepingCapacity: true)
        walk.end()
    }

    /// Leaves these experts in memory and nobody else, and reads those that are missing.
    ///
    /// - Precondition: there is a slot for each, and the model has them.
    /// - Throws: `expertsMissing` where one cannot be read; some of the others may be here then.
    func keep(_ experts: [ExpertID]) throws(ExpertRunnerError) {
        precondition(experts.count <= slotCount, "\(slotCount) slots for \(experts.count)")
        settle()
        let kept = Set(experts)
        for id in numbering.experts where !kept.contains(id) && holds(id) {
            self[stageOf: id] = .settled
            slots.remove(id, tier: .high)
        }
        var missing = experts.filter { !holds($0) }[...]
        while true {
            while reads.count < reads.capacity, let id = missing.first,
                let place = slots.admit(id, tier: .high)
            {
                missing.removeFirst()
                awaitedCount += 1
                post(id, place, as: .awaited)
            }
            guard reads.count > 0 else { return }
            let end = reads.wait()
            _ = settle(end)
            guard end.source != nil else {
                forget(end.expert)
                settle()
                let reason = end.trouble.map { "\($0)" } ?? "reading was given up"
                throw .expertsMissing(
                    layer: end.expert.layer,
                    reason: "\(end.expert) cannot be read: \(reason)"
                )
            }
            figures.bytesNeeded += byteCount(of: end.expert)
            slots.release(end.expert, tier: .high)
        }
    }

    /// It came, and nobody waits for it.
    private func arrive(_ id: ExpertID) {
        if !self[isPrepared: id] { self[stageOf: id] = .unused }
        slots.release(id, tier: .high)
    }

    private func forget(_ id: ExpertID) {
        self[isPrepared: id] = false
        slots.release(id, tier: .high)
        slots.remove(id, tier: .high)
    }

    func byteCount(of id: ExpertID) -> Int { layout.extent(of: id)?.count ?? 0 }

    private subscript(stageOf id: ExpertID) -> SlotStage {
        get { numbering.number(of: id).map { stages[$0] } ?? .settled }
        set { if let number = numbering.number(of: id) { stages[number] = newValue } }
    }

    private subscript(isPrepared id: ExpertID) -> Bool {
        get { numbering.number(of: id).map { isPrepared[$0] } ?? false }
        set { if let number = numbering.number(of: id) { isPrepared[number] = newValue } }
    }

    // MARK: While nothing is asked for

    /// Takes what coming work is expected to use, the most wanted first; `prepare` loads it.
    public func want(_ experts: [ExpertID]) { idle.adopt(experts) }

    /// Loads what is wanted and missing, as far as there are empty slots; waits for nothing.
    ///
    /// To be called between layers, when none is expected soon.
    ///
    /// - Returns: whether loads are under way, so that it is to be called again soon.
    public func prepare() -> Bool {
        while let end = reads.next() {
            _ = settle(end)
            end.source == nil ? forget(end.expert) : arrive(end.expert)
        }
        while early.count < min(earlyLimit, Self.mostIdle), hasRoomToRead,
            let id = idle.nextExpert(where: { slots.slot(of: $0, tier: .high) == nil }),
            let slot = slots.prepare(id, tier: .high)
        {
            early.append(id)
            figures.idleLoads += 1
            post(id, slot, as: .early)
            self[isPrepared: id] = true
        }
        return reads.count > 0
    }

    // MARK: What comes next

    /// Takes a guess of what a layer will choose, keeps that in memory, and reads the rest ahead.
    ///
    /// - Parameter distance: as `ExpertRunner.foresee` has it.
    public func foresee(_ layer: LayerIndex, distance: Int, _ routing: Routing) {
        ahead.guess(layer, distance: distance, routing)
        ahead.forEach(in: layer) { slots.expect($0) }
        // Who is not guessed any more is rather not chosen.
        for id in early where id.layer == layer && !ahead.isInLastGuess(id.index) {
            reads.abandon(id)
        }
        if walk.nextAbsent == nil { postEarly() }
    }

    // MARK: Arithmetic

    /// Computes the piece, and lets go of its experts.
    private func compute(_ activations: Activations, into sums: inout [Double]) {
        lent.layer = walk.layer
        for expert in piece {
            let id = walk.id(expert)
            guard let slot = slots.slot(of: id, tier: .high) else { continue }
            lent.weights[expert] = layout.weights(of: id, in: memory[slot])
        }
        piecePairs.removeAll(keepingCapacity: true)
        for pair in pairs where lent.weights[pair.expert] != nil { piecePairs.append(pair) }
        do throws(MissingExpert) {
            try arithmetic.run(
                layer: walk.layer,
                pairs: piecePairs,
                held: lent,
                activations: activations,
                into: &sums
            )
        } catch {
            preconditionFailure("\(error), though its weights were lent")
        }
        for expert in piece { letGo(expert) }
        piece.removeAll(keepingCapacity: true)
    }

    private func letGo(_ expert: Int) {
        lent.weights[expert] = nil
        slots.release(walk.id(expert), tier: .high)
    }
}
