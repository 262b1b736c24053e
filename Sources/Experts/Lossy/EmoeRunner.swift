public import Caching
public import Model
public import Tensors

/// Computes only experts that are in memory: rows go to these alone, and nothing is waited for
/// (eMoE, arXiv 2503.06823).
///
/// The first prompt of a task of which nothing is known loads what it asks for, and is exact. Then
/// the experts that the task uses most are loaded, as many of each layer as there is memory for,
/// and the others go; they are chosen anew every so many prompts, from what rows wanted meanwhile.
/// Used from one thread.
public final class EmoeRunner: LossyRunner {
    private let experts: SlottedExperts
    private let model: ModelDescription
    /// Experts of each layer that there is memory for; `[place]`.
    private let counts: [Int]
    private var predictor: ExpertPredictor
    private var schedule: ResidencySchedule
    public private(set) var uses = TierUses()
    public private(set) var present: PresentExperts?
    public private(set) var presence: Presence?
    private var residents: Set<ExpertID> = []

    private var turns = PartTurns()
    /// Rows of a prompt that is computed on demand which are still to come.
    private var rowsOnDemand = 0

    /// The only task: whoever serves several has a runner for what they want together.
    private static let task = 0

    /// - Parameters:
    ///   - experts: with slots for as many of each layer as a row takes, or more.
    ///   - options: uses are of this model.
    init(_ experts: SlottedExperts, _ model: ModelDescription, _ options: EmoeOptions) {
        self.experts = experts
        self.model = model
        var settings = ExpertPredictor.Settings()
        settings.transitionWeight = 0
        predictor = ExpertPredictor(
            expertCounts: model.expertCounts,
            topK: model.expertsPerToken,
            settings: settings
        )
        // Every task counts as much as any other.
        for task in options.tasks { predictor.count(task.counts, rows: task.rows) }
        counts = ResidentExperts.counts(
            slotCount: experts.slotCount,
            numbering: predictor.numbering
        )
        schedule = ResidencySchedule(
            period: options.period,
            knownTasks: options.tasks.isEmpty ? [] : [Self.task]
        )
    }

    public var figures: ResidencyFigures { experts.figures }
    public var slotCounts: SlotCounts { SlotCounts(high: experts.slotCount) }

    // MARK: Choosing

    public func beginPrompt(tokenCount: Int) throws(ExpertRunnerError) {
        switch schedule.onPrompt(task: Self.task) {
        case .loadOnDemand: rowsOnDemand = tokenCount
        case .choose: try choose()
        case .keep: break
        }
    }

    /// Loads the experts that are used most, by what is known so far, and lets the others go.
    ///
    /// - Throws: `expertsMissing` where one cannot be read; then nobody is chosen until the next
    ///   time, and rows have what they want read.
    func choose() throws(ExpertRunnerError) {
        let numbering = predictor.numbering
        let demand = TaskDemand(
            inputTokens: [1],
            outputTokens: 0,
            frequencies: (0..<numbering.placeCount).map { predictor.frequencies(at: $0) },
            isSensitive: Array(repeating: true, count: numbering.placeCount)
        )
        let chosen = ResidentExperts.choose(
            for: [demand],
            counts: counts,
            resident: residents,
            numbering: numbering
        ).flatMap { $0 }
        let next: PresentExperts
        do throws(TooFewExperts) {
            next = try PresentExperts(chosen, of: model)
        } catch {
            throw .notReady(reason: error.description)
        }
        // Some of those that were here may be gone when it fails.
        let rows = rowsOnDemand
        (present, presence, residents, rowsOnDemand) = (nil, nil, [], .max)
        try experts.keep(chosen)
        rowsOnDemand = rows
        residents = Set(chosen)
        present = next
        presence = Presence(
            expertCount: chosen.count,
            byteCount: chosen.reduce(0) { $0 + experts.byteCount(of: $1) }
        )
    }

    /// Counts what rows want of a layer, and which part of that they get.
    private func count(_ layer: LayerIndex, _ routing: Routing) {
        guard let place = predictor.numbering.place(of: layer) else { return }
        if place == 0 { rowsOnDemand -= routing.rowCount }
        let wanted = routing.wanted.isEmpty ? routing.experts : routing.wanted
        predictor.count(wanted, at: place)
        guard let here = present?[layer.rawValue] else {
            uses.high += wanted.count
            return
        }
        for expert in wanted {
            if here[Int(expert)] { uses.high += 1 } else { uses.substituted += 1 }
        }
    }

    /// Whether the last rows of a step have gone through the last layer with experts.
    private func isEnd(_ layer: LayerIndex) -> Bool {
        let place = predictor.numbering.place(of: layer)
        return place == predictor.numbering.placeCount - 1 && turns.isEmpty
    }

    // MARK: Computing

    public func start(
        _ part: Int,
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        count(layer, routing)
        let batch = RoutedBatch(layer: layer, activations: activations, routing: routing)
        if turns.start(batch, of: part) { experts.begin(layer, routing) }
    }

    public func finish(_ part: Int, into sums: inout [Double]) throws(ExpertRunnerError) {
        let batch = turns.finish(
            part,
            settle: { experts.settle() },
            begin: { experts.begin($0.layer, $0.routing) }
        )
        guard let batch else { return }
        try experts.finish(batch.activations, into: &sums)
        if present == nil, rowsOnDemand <= 0, isEnd(batch.layer) { try choose() }
    }

    public func cancel() {
        turns.cancel()
        experts.settle()
    }
}
