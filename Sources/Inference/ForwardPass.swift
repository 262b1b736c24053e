public import Kernels
public import Model
import Tensors

/// One step through the transformer: tokens in, logits out.
///
/// Holds everything but the experts, which it asks an `ExpertRunner` for. Used from one thread.
/// Working memory for rows is kept between steps; a step allocates only lists of its rows.
public final class ForwardPass {
    public let model: ModelDescription
    private let weights: CoreWeights
    private let kernels: Kernels
    private let experts: any ExpertRunner
    private let router: Router
    private let pages: PagePool
    private var work: AttentionWork
    private var rope: RopeTable

    /// The residual stream, `[rows, hidden]`.
    private var stream: [Float] = []
    /// A normalised copy of it on its way into products.
    private var input: Activations
    private var queries: [Float] = []
    private var keys: [Float] = []
    private var values: [Float] = []
    /// `[rows, heads * valueLength]`.
    private var attended: Activations
    /// `[rows, hidden]`.
    private var projected: [Float] = []
    private var gates: [Float] = []
    private var routing: Routing
    /// The visits of a network that all rows go through.
    private var everyRow = ExpertVisits()
    /// Weighted expert outputs, `[rows, hidden]`.
    private var sums: [Double] = []

    public init(
        model: ModelDescription,
        weights: CoreWeights,
        kernels: Kernels,
        experts: any ExpertRunner,
        cache: CacheLimits = CacheLimits()
    ) {
        self.model = model
        self.weights = weights
        self.kernels = kernels
        self.experts = experts
        router = Router(model)
        let heads = AttentionShape(
            heads: model.headCount,
            keyValueHeads: model.keyValueHeadCount,
            keyHeadWidth: model.keyLength,
            valueHeadWidth: model.valueLength,
            scale: 1 / Float(model.keyLength).squareRoot()
        )
        work = AttentionWork(heads)
        pages = PagePool(
            layout: CacheLayout(
                heads: heads,
                layerCount: model.layerCount,
                format: cache.format
            ),
            pageLimit: CacheLayout.pageCount(positions: cache.positions)
        )
        rope = RopeTable(frequencies: model.rope.frequencies, magnitude: model.rope.magnitude)
        input = Activations(rowCount: 0, width: model.hiddenSize)
        attended = Activations(rowCount: 0, width: model.headCount * model.valueLength)
        routing = Routing(topK: max(1, model.expertsPerToken))
    }

    /// Positions of all sequences together, in pages of 256.
    public var pageLimit: Int { pages.pageLimit }
    /// Pages that no context has reserved.
    public var freePageCount: Int { pages.unreservedCount }

    /// Room for a sequence of at most `capacity` positions.
    ///
    /// Its pages are reserved; they take memory as positions fill them.
    public func makeContext(capacity: Int) throws(ForwardError) -> SequenceContext {
        do throws(CacheError) {
            return SequenceContext(try KeyValueCache(pool: pages, capacity: capacity))
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
        defer { work.removeAll() }
        divideAttention(batch)
        embed(batch)
        rope.prepare(positions: batch.rows.map { Int32($0.position) })
        for index in weights.layers.indices {
            attend(batch, layer: index)
            do throws(ExpertRunnerError) {
                try feedForward(layer: index)
            } catch {
                throw .experts(error)
            }
        }
        project(batch, into: &logits)
    }

    /// Refuses a row of logits that nothing can be chosen from.
    ///
    /// Each row is judged alone, so that a damaged expert fails the sequences that met it and no
    /// batch-mate.
    public static func requireFinite(_ row: ArraySlice<Float>) throws(ForwardError) {
        guard row.allSatisfy(\.isFinite) else { throw .notFinite }
    }

    private func check(_ batch: Batch) throws(ForwardError) {
        for row in batch.rows {
            guard row.token >= 0 && row.token < model.vocabularyCount else {
                throw .unknownToken(row.token, vocabularyCount: model.vocabularyCount)
            }
            try row.context.makeRoom(for: row.position + 1)
        }
    }

    private func embed(_ batch: Batch) {
        kernels.dequantize(
            weights.embedding,
            rows: batch.rows.map { Int($0.token) },
            into: &stream
        )
    }

    // MARK: Attention

    private func divideAttention(_ batch: Batch) {
        for row in batch.rows { work.append(row.context.cache, position: row.position) }
        work.divide(among: kernels.threadCount)
    }

    private func attend(_ batch: Batch, layer index: Int) {
        let weights = weights.layers[index].attention
        normalize(weights.norm, for: [weights.query, weights.key, weights.value])
        project(weights.query, weights.queryBias, into: &queries)
        project(weights.key, weights.keyBias, into: &keys)
        project(weights.value, weights.valueBias, into: &values)
        normalizeHeads(&queries, weights.queryNorm)
        normalizeHeads(&keys, weights.keyNorm)
        clamp(&queries)
        clamp(&keys)
        clamp(&values)
        rotate(&queries, heads: model.headCount)
        rotate(&keys, heads: model.keyValueHeadCount)
        kernels.store(keys: keys, values: values, layer: index, for: work)
        attended.resize(rowCount: batch.rows.count)
        kernels.attend(layer: index, queries: queries, work: work, into: &attended.values)
        if !weights.output.type.isFloat { kernels.quantize(&attended) }
        multiply(weights.output, attended, into: &projected)
        addBias(weights.outputBias, to: &projected)
        kernels.add(projected, to: &stream)
    }

    /// The residual stream, normalised, in the forms that `matrices` multiply.
    private func normalize(_ norm: [Float], for matrices: [WeightMatrix]) {
        input.resize(rowCount: stream.count / model.hiddenSize)
        kernels.rmsNorm(stream, weight: norm, epsilon: model.rmsEpsilon, into: &input.values)
        if matrices.contains(where: { !$0.type.isFloat }) { kernels.quantize(&input) }
    }

    /// One of the three projections of attention's input.
    private func project(_ matrix: WeightMatrix, _ bias: [Float], into output: inout [Float]) {
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

    private func multiply(
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

    private func rotate(_ rows: inout [Float], heads: Int) {
        kernels.rotate(
            &rows,
            heads: heads,
            headWidth: model.keyLength,
            kind: model.rope.kind == .halves ? .halves : .adjacent,
            table: rope
        )
    }

    // MARK: Feed-forward

    private func feedForward(layer index: Int) throws(ExpertRunnerError) {
        let layer = weights.layers[index]
        sums.resize(to: stream.count, filler: 0)
        for place in sums.indices { sums[place] = 0 }
        switch layer.feedForward {
        case .dense(let network):
            normalize(layer.feedForwardNorm, for: [network.gate, network.up])
            let one = Array(repeating: Float(1), count: input.rowCount)
            runForEveryRow(network, gateWeights: one)
        case .experts(let router, let shared):
            try runExperts(layer: index, norm: layer.feedForwardNorm, router, shared)
        }
        kernels.add(sums, to: &stream)
    }

    private func runExperts(
        layer index: Int,
        norm: [Float],
        _ routerMatrix: WeightMatrix,
        _ shared: CoreWeights.Shared?
    ) throws(ExpertRunnerError) {
        var consumers = [routerMatrix]
        if let shared { consumers += [shared.gate, shared.weights.gate, shared.weights.up] }
        normalize(norm, for: consumers)
        let facts = model.layers[index]
        if facts.needsQuants && !input.hasQuants { kernels.quantize(&input) }
        multiply(routerMatrix, input, into: &gates, order: .fixed)
        kernels.softmax(&gates, width: model.expertCount)
        router.choose(gates, into: &routing)
        let layer = LayerIndex(index)
        try experts.start(layer: layer, activations: input, routing: routing)
        // While the experts are computed elsewhere, the shared one is computed here.
        if let shared { runShared(shared) }
        try experts.finish(into: &sums)
    }

    private func runShared(_ shared: CoreWeights.Shared) {
        multiply(shared.gate, input, into: &gates, order: .fixed)
        kernels.sigmoid(&gates)
        runForEveryRow(shared.weights, gateWeights: gates)
    }

    /// A network that no router chooses: all rows go through it.
    private func runForEveryRow(_ network: FeedForwardWeights, gateWeights: [Float]) {
        everyRow.removeAll()
        for (row, weight) in gateWeights.prefix(input.rowCount).enumerated() {
            everyRow.add(row: Int32(row), weight: weight)
        }
        everyRow.addExpert(gate: network.gate, up: network.up, down: network.down)
        kernels.feedForward(everyRow, activations: input, into: &sums)
    }

    // MARK: Logits

    private func project(_ batch: Batch, into logits: inout [Float]) {
        let hidden = model.hiddenSize
        let wanted = batch.rows.indices.filter { batch.rows[$0].wantsLogits }
        logits.resize(to: wanted.count * model.vocabularyCount, filler: 0)
        guard !wanted.isEmpty else { return }
        for (place, row) in wanted.enumerated() where place != row {
            for column in 0..<hidden {
                stream[place * hidden + column] = stream[row * hidden + column]
            }
        }
        stream.resize(to: wanted.count * hidden, filler: 0)
        normalize(weights.outputNorm, for: [weights.output])
        kernels.multiply(weights.output, input, into: &logits, order: .fast)
    }
}
