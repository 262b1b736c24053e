import ClusterTesting
import Experts
import Inference
import Kernels
import Model
import Storage
import Tensors
import Testing

@Suite("Experts that are loaded between layers")
struct IdleLoadTests {
    @Test("The same bits, whatever is wanted between two layers", arguments: UInt64(1)...8)
    func sameBits(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let model = try TinyModel.ofEachFamily(seed: 9)[0].wholeModel()
        let tokens = randomTokens(60, below: model.description.vocabularyCount, seed: seed)
        let whole = bits(try model.forward().logits(of: tokens))
        let place = try TemporaryFile("cache")
        defer { withExtendedLifetime(place) {} }
        let cache = try ExpertCache(path: place.path, byteLimit: 1 << 30, spareByteCount: 0)
        let count = model.description.expertCounts.reduce(0, +)
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        let stored = try StoredExperts(
            model.file,
            cache: cache,
            slotCount: Int.random(in: 1...count, using: &random)
        )
        let experts = SlottedExperts(
            stored,
            options: ResidencyOptions(foresight: Int.random(in: 0...3, using: &random)),
            kernels: kernels,
            onTrouble: { Issue.record("\($0)") }
        )
        let runner = RestlessRunner(experts, of: model.description, random)
        let forward = model.forward(kernels: kernels, experts: runner)
        for chunk in [1, 7, 60] {
            let found = bits(try forward.logits(of: tokens, chunk: chunk))
            #expect(found == whole, "seed \(seed), \(stored.slotCount) slots, \(chunk) rows")
        }
        let figures = experts.figures
        #expect(figures.idleUses <= figures.idleLoads)
        #expect(figures.hits + figures.foreseen <= figures.uses)
        #expect(figures.fallbacks == 0)
    }

    @Test("What is wanted is in memory when it is asked for, as far as there were empty slots")
    func loaded() throws {
        let model = try TinyModel.ofEachFamily(seed: 9)[0].wholeModel()
        let place = try TemporaryFile("cache")
        defer { withExtendedLifetime(place) {} }
        let cache = try ExpertCache(path: place.path, byteLimit: 1 << 30, spareByteCount: 0)
        let layer = LayerIndex(try #require(model.description.expertCounts.firstIndex { $0 > 3 }))
        let all = (0..<4).map { ExpertID(layer: layer, index: $0) }
        let stored = try StoredExperts(model.file, cache: cache, slotCount: 2)
        let experts = SlottedExperts(
            stored,
            options: ResidencyOptions(),
            kernels: Kernels(instructionSet: .detected, threadCount: 1),
            onTrouble: { Issue.record("\($0)") }
        )
        for (first, second) in [(0, 1), (3, 2)] {
            let isEmpty = first == 0
            experts.want([first, second, 2].map { all[$0] })
            while experts.prepare() {}
            let before = experts.figures
            let pairs = [first, second].map {
                ExpertArithmetic.Pair(row: 0, expert: $0, gateWeight: 1)
            }
            experts.begin(layer, pairs)
            experts.settle()
            let figures = experts.figures.since(before)
            #expect(figures.uses == 2)
            #expect(figures.hits == (isEmpty ? 2 : 0) && figures.idleUses == figures.hits)
        }
        #expect(experts.figures.idleLoads == 2)
    }
}

/// Wants and loads something between any two layers.
private final class RestlessRunner: ExpertRunner {
    private let experts: SlottedExperts
    private let runner: ResidentRunner
    private let all: [ExpertID]
    private var random: SeededRandom

    init(_ experts: SlottedExperts, of model: ModelDescription, _ random: SeededRandom) {
        self.experts = experts
        runner = ResidentRunner(experts)
        all = model.expertCounts.enumerated().flatMap { layer, count in
            (0..<count).map { ExpertID(layer: LayerIndex(layer), index: $0) }
        }
        self.random = random
    }

    func start(
        _ part: Int,
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        try runner.start(part, layer: layer, activations: activations, routing: routing)
    }

    func finish(_ part: Int, into sums: inout [Double]) throws(ExpertRunnerError) {
        try runner.finish(part, into: &sums)
        if Bool.random(using: &random) { experts.want(all.shuffled(using: &random)) }
        for _ in 0..<Int.random(in: 0...3, using: &random) { _ = experts.prepare() }
    }

    func cancel() { runner.cancel() }

    var foresight: Int { runner.foresight }

    func foresee(_ part: Int, layer: LayerIndex, distance: Int, routing: Routing) {
        runner.foresee(part, layer: layer, distance: distance, routing: routing)
    }
}
