public import Kernels
public import Model
import Tensors

/// One step through the transformer: tokens in, logits out.
///
/// Holds everything but the experts, which it asks an `ExpertRunner` for. Used from one thread.
/// With several micro-batches the rows of a step go through the layers in turns: while the experts
/// of one part are computed elsewhere, attention of the next is computed here. That changes no bit.
/// Working memory is kept between steps: once a step was as large, none asks for more.
public final class ForwardPass {
    public let model: ModelDescription
    let weights: CoreWeights
    public let kernels: Kernels
    public let experts: any ExpertRunner
    let router: Router
    private let pages: PagePool

    /// As many as a step is cut into at most; a step uses the first ones.
    let parts: [MicroBatch]
    private var queries: [Float] = []
    private var keys: [Float] = []
    private var values: [Float] = []
    /// `[rows, heads * valueLength]`.
    private var attended: Activations
    /// `[rows, hidden]`.
    private var projected: [Float] = []
    private var gates: [Float] = []
    /// What is asked of routers before their turn.
    var foreseen: ForeseenRows
    /// What a row takes of a network without a gate.
    private var ones: [Float] = []
    /// Of a part's rows.
    private var tokens: [Int] = []
    private var positions: [Int32] = []
    /// The visits of a network that all rows go through.
    private var everyRow = ExpertVisits()
    /// The rows that want logits, `[rows, hidden]`, then normalised.
    private var last: [Float] = []
    private var output: Activations

    /// - Parameter microBatches: into how many parts a step's rows are cut at most.
    public init(
        model: ModelDescription,
        weights: CoreWeights,
        kernels: Kernels,
        experts: any ExpertRunner,
        microBatches: Int = 1,
        cache: CacheLimits = CacheLimits()
    ) {
        precondition(microBatches > 0, "a step in \(microBatches) parts computes nothing")
        self.model = model
        self.weights = weights
        self.kernels = kernels
        self.experts = experts
        router = Router(model)
        foreseen = ForeseenRows(model)
        let layout = CacheLayout(model, format: cache.format)
        pages = PagePool(
            layout: layout,
            pageLimit: CacheLayout.pageCount(positions: cache.positions)
        )
        parts = (0..<microBatches).map { _ in MicroBatch(model, layout.heads) }
        output = Activations(rowCount: 0, width: model.hiddenSize)
        attended = Activations(rowCount: 0, width: model.headCount * model.valueLength)
    }

    /// The same model with the same weights outside the experts, which someone else computes.
    ///
    /// The same thread uses both.
    public func twin(experts: any ExpertRunner, cache: CacheLimits) -> ForwardPass {
        ForwardPass(
            model: model,
            weights: weights,
            kernels: kernels,
            experts: experts,
            cache: cache
        )
    }

    /// Positions of all sequences together, in pages of 256.
    public var pageLimit: Int { pages.pageLimit }
    /// Pages that no context has reserved.
    public var freePageCount: Int { pages.unreservedCount }

    /// Gives memory that long sequences have left behind back to the system.
    public func rest() { pages.rest(keeping: Self.restingPages) }

    /// A thousand positions, so that a usual sequence starts without asking the system.
    private static let restingPages = 4

    /// Pages that contexts and others hold.
    public var heldPageCount: Int { pages.lentCount }

    /// Room for a sequence of at most `capacity` positions.
    ///
    /// Its pages are reserved; they take memory as positions fill them.
    ///
    /// - Parameters:
    ///   - shared: pages of another context that began with the same tokens; their positions need
    ///     not be computed, and the next one follows them.
    ///   - positions: how many have their pages reserved; nil for the whole capacity. More are
    ///     taken as positions come, where there are some.
    public func makeContext(
        capacity: Int,
        beginningWith shared: [CachePage] = [],
        reserving positions: Int? = nil
    ) throws(ForwardError) -> SequenceContext {
        do throws(CacheError) {
            return SequenceContext(
                try KeyValueCache(
                    pool: pages,
                    capacity: capacity,
                    beginningWith: shared,
                    reserving: positions
                )
            )
        } catch {
            throw .cache(error)
        }
    }

    /// Runs a batch and writes the logits that its rows want, in row order.
    ///
    /// - Parameter logits: `[rows that want logits, vocabulary]`.
    /// - Throws: what the experts' runner throws; the contexts then hold no rows of this batch,
    ///   as far as later batches that start at the same positions are concerned.
    public func run(_ batch: Batch, logits: inout [Float]) throws(ForwardError) {
        try check(batch)
        let partCount = MicroBatch.count(rowCount: batch.rows.count, limit: parts.count)
        defer { for part in parts { part.work.removeAll() } }
        var attempt = 1
        while let error = tryLayers(of: batch, partCount: partCount) {
            experts.cancel()
            guard case .cutChanged = error, attempt < Self.attempts else { throw .experts(error) }
            attempt += 1
        }
        project(batch, partCount: partCount, into: &logits)
    }

    /// How often a step may begin while experts are cut anew under it; each time a worker was lost.
    private static let attempts = 8

    /// Runs a batch through all layers; why it did not come to the end, if it did not.
    private func tryLayers(of batch: Batch, partCount: Int) -> ExpertRunnerError? {
        for index in 0..<partCount {
            let rows = MicroBatch.rows(index, of: partCount, rowCount: batch.rows.count)
            parts[index].work.removeAll()
            embed(batch.rows[rows], into: parts[index])
        }
        do throws(ExpertRunnerError) {
            try runLayers(partCount: partCount)
            return nil
        } catch {
            return error
        }
    }

    /// Each part in turn goes through a layer; its experts' answers are taken when its turn comes
    /// again, so that they are computed meanwhile.
    ///
    /// Earlier positions of a sequence are in the same part or in one that went before, so their
    /// keys are stored when attention asks for them.
    private func runLayers(partCount: Int) throws(ExpertRunnerError) {
        for layer in weights.layers.indices {
            for index in 0..<partCount {
                try finishFeedForward(index)
                foresee(index, from: layer, distance: 0, to: layer == 0 ? experts.foresight : 0)
                attend(parts[index], layer: layer)
                try startFeedForward(index, layer: layer)
            }
        }
        for index in 0..<partCount { try finishFeedForward(index) }
    }

    /// Refuses a row of logits that nothing can be chosen from.
    ///
    /// Each row is judged alone, so that a damaged expert fails the sequences that met it and no
    /// batch-mate.
    public func requireFinite(_ row: ArraySlice<Float>) throws(ForwardError) {
        guard kernels.allFinite(row) else { throw .notFinite }
    }

    private func check(_ batch: Batch) throws(ForwardError) {
        for row in batch.rows {
            guard row.token >= 0 && row.token < model.vocabularyCount else {
                throw .unknownToken(row.token, vocabularyCount: model.vocabularyCount)
            }
            try row.context.makeRoom(for: row.position + 1)
        }
    }

    private func embed(_ rows: ArraySlice<Batch.Row>, into part: MicroBatch) {
        part.rows = rows.indices
        part.isAway = false
        tokens.removeAll(keepingCapacity: true)
        positions.removeAll(keepingCapacity: true)
        for row in rows {
            tokens.append(Int(row.token))
            positions.append(Int32(row.position))
            part.work.append(row.context.cache, position: row.position)
        }
        part.rope.prepare(positions: positions)
        part.work.divide(among: kernels.threadCount)
        kernels.dequantize(weights.embedding, rows: tokens, into: &part.stream)
    }

    // MARK: Attention

    private func attend(_ part: MicroBatch, layer index: Int) {
        let weights = weights.layers[index].attention
        let takesFloats = weights.query.type.isFloat && weights.key.type.isFloat
        normalize(part, weights.norm, rounding: !(takesFloats && weights.value.type.isFloat))
        project(part.input, weights.query, weights.queryBias, into: &queries)
        project(part.input, weights.key, weights.keyBias, into: &keys)
        project(part.input, weights.value, weights.valueBias, into: &values)
        normalizeHeads(&queries, weights.queryNorm)
        normalizeHeads(&keys, weights.keyNorm)
        clamp(&queries)
        clamp(&keys)
        clamp(&values)
        rotate(&queries, heads: model.headCount, part.rope)
        rotate(&keys, heads: model.keyValueHeadCount, part.rope)
        kernels.store(keys: keys, values: values, layer: index, for: part.work)
        attended.resize(rowCount: part.rows.count)
        kernels.attend(layer: index, queries: queries, work: part.work, into: &attended.values)
        if !weights.output.type.isFloat { kernels.quantize(&attended) }
        multiply(weights.output, attended, into: &projected)
        addBias(weights.outputBias, to: &projected)
        kernels.add(projected, to: &part.stream)
    }

    /// The part's stream, normalised, and rounded too where a matrix holds integers.
    private func normalize(_ part: MicroBatch, _ norm: [Float], rounding: Bool) {
        normalize(part.stream, norm, rounding: rounding, into: &part.input)
    }

    func normalize(
        _ rows: [Float],
        _ norm: [Float],
        rounding: Bool,
        into input: inout Activations
    ) {
        input.resize(rowCount: rows.count / model.hiddenSize)
        kernels.rmsNorm(rows, weight: norm, epsilon: model.rmsEpsilon, into: &input.values)
        if rounding { kernels.quantize(&input) }
    }

    /// One of the three projections of attention's input.
    private func project(
        _ input: Activations,
        _ matrix: WeightMatrix,
        _ bias: [Float],
        into output: inout [Float]
    ) {
        multiply(matrix, input, into: &output)
        addBias(bias, to: &output)
    }

    private func clamp(_ rows: inout [Float]) {
        guard let limit = model.projectionClamp else { return }
        // In this order of arguments a NaN stays one and is found in the end.
        for index in rows.indices { rows[index] = min(max(rows[index], -limit), limit) }
    }

    private func addBias(_ bias: [Float], to rows: inout [Float]) {
        if !bias.isEmpty { kernels.addBias(bias, to: &rows) }
    }

    func multiply(
        _ matrix: WeightMatrix,
        _ activations: Activations,
        into output: inout [Float],
        order: ProductOrder = .fast
    ) {
        output.resize(to: activations.rowCount * matrix.rowCount, filler: 0)
        kernels.multiply(matrix, activations, into: &output, order: order)
    }

    private func normalizeHeads(_ rows: inout [Float], _ norm: [Float]) {
        // The weight's length says what one vector spans: a head or all of them.
        guard !norm.isEmpty else { return }
        kernels.rmsNorm(&rows, weight: norm, epsilon: model.rmsEpsilon)
    }

    private func rotate(_ rows: inout [Float], heads: Int, _ rope: RopeTable) {
        kernels.rotate(
            &rows,
            heads: heads,
            headWidth: model.keyLength,
            kind: model.rope.kind == .halves ? .halves : .adjacent,
            table: rope
        )
    }

    // MARK: Feed-forward

    /// Computes what follows attention, or asks for it where experts do.
    private func startFeedForward(_ index: Int, layer: Int) throws(ExpertRunnerError) {
        let part = parts[index]
        let weights = weights.layers[layer]
        kernels.clear(&part.sums, count: part.stream.count)
        part.isAway = true
        switch weights.feedForward {
        case .dense(let network):
            let takesFloats = network.gate.type.isFloat && network.up.type.isFloat
            normalize(part, weights.feedForwardNorm, rounding: !takesFloats)
            ones.resize(to: part.input.rowCount, filler: 1)
            runForEveryRow(part, network, gateWeights: ones)
            addSums(of: part)
        case .experts(let router, let shared):
            route(part, layer: layer, norm: weights.feedForwardNorm, router, shared)
            try experts.start(
                index,
                layer: LayerIndex(layer),
                activations: part.input,
                routing: part.routing
            )
            foresee(index, from: layer + 1, distance: 1, to: experts.foresight)
            // While the experts are computed elsewhere, the shared one is computed here.
            if let shared { runShared(part, shared) }
        }
    }

    /// Takes what the part's experts computed, if any were asked.
    private func finishFeedForward(_ index: Int) throws(ExpertRunnerError) {
        let part = parts[index]
        guard part.isAway else { return }
        try experts.finish(index, into: &part.sums)
        addSums(of: part)
    }

    private func addSums(of part: MicroBatch) {
        kernels.add(part.sums, to: &part.stream)
        part.isAway = false
    }

    /// Chooses each row's experts.
    private func route(
        _ part: MicroBatch,
        layer: Int,
        norm: [Float],
        _ matrix: WeightMatrix,
        _ shared: CoreWeights.Shared?
    ) {
        let takesFloats = matrix.type.isFloat && shared?.takesFloats ?? true
        normalize(part, norm, rounding: !takesFloats || model.layers[layer].needsQuants)
        multiply(matrix, part.input, into: &gates, order: .fixed)
        kernels.softmax(&gates, width: model.expertCount)
        router.choose(gates, among: experts.present?[layer] ?? [], into: &part.routing)
    }

    private func runShared(_ part: MicroBatch, _ shared: CoreWeights.Shared) {
        multiply(shared.gate, part.input, into: &gates, order: .fixed)
        kernels.sigmoid(&gates)
        runForEveryRow(part, shared.weights, gateWeights: gates)
    }

    /// A network that no router chooses: all rows go through it.
    private func runForEveryRow(
        _ part: MicroBatch,
        _ network: FeedForwardWeights,
        gateWeights: [Float]
    ) {
        everyRow.removeAll()
        for (row, weight) in gateWeights.prefix(part.input.rowCount).enumerated() {
            everyRow.add(row: Int32(row), weight: weight)
        }
        everyRow.addExpert(gate: network.gate, up: network.up, down: network.down)
        kernels.feedForward(everyRow, activations: part.input, into: &part.sums)
    }

    // MARK: Logits

    private func project(_ batch: Batch, partCount: Int, into logits: inout [Float]) {
        let hidden = model.hiddenSize
        last.removeAll(keepingCapacity: true)
        for part in parts[..<partCount] {
            for (place, row) in part.rows.enumerated() where batch.rows[row].wantsLogits {
                last += part.stream[place * hidden..<(place + 1) * hidden]
            }
        }
        logits.resize(to: last.count / hidden * model.vocabularyCount, filler: 0)
        guard !last.isEmpty else { return }
        let rounding = !weights.output.type.isFloat
        normalize(last, weights.outputNorm, rounding: rounding, into: &output)
        kernels.multiply(weights.output, output, into: &logits, order: .fast)
    }
}
