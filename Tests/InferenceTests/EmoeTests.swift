import Caching
import ClusterTesting
import ExpertStore
import Experts
import Foundation
import Inference
import Kernels
import Model
import Storage
import Testing

/// A model whose experts are on disk, and some of them in memory.
private struct EmoeModel {
    let place: TemporaryFile
    let cache: ExpertCache
    let model: WholeModel
    let layout: StoreLayout
    let numbering: ExpertNumbering

    init(_ model: WholeModel) throws {
        place = try TemporaryFile("cache")
        cache = try ExpertCache(path: place.path, byteLimit: 1 << 30, spareByteCount: 0)
        self.model = model
        layout = try StoreLayout(model.file.layout)
        numbering = ExpertNumbering(expertCounts: model.description.expertCounts)
    }

    /// - Parameter slots: experts that there is memory for.
    func runner(_ slots: Int, _ options: EmoeOptions = EmoeOptions()) throws -> EmoeRunner {
        let residence = ExpertResidence(
            model.file,
            cache: cache,
            kernels: Kernels(instructionSet: .detected, threadCount: 1),
            lossy: .emoe(options)
        )
        let budget = slots * layout.slotByteCount
        return try #require(try residence.runner(budget: budget, fixed: 0) as? EmoeRunner)
    }

    func forward(_ runner: any ExpertRunner) -> ForwardPass {
        model.forward(
            kernels: Kernels(instructionSet: .detected, threadCount: 1),
            experts: runner
        )
    }

    /// All experts in memory, of which rows take only some.
    func limited(to present: PresentExperts) -> ForwardPass {
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        let runner = RecordingRunner(model, kernels)
        runner.present = present
        return model.forward(kernels: kernels, experts: runner)
    }

    /// How often tokens use each expert.
    func uses(of tokens: [Int32]) throws -> ExpertUses {
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        let recorder = RecordingRunner(model, kernels)
        _ = try model.forward(kernels: kernels, experts: recorder).logits(of: tokens)
        var counts = model.description.expertCounts.map { Array(repeating: 0.0, count: $0) }
        for visit in recorder.visits {
            for expert in visit.routing.experts { counts[visit.layer.rawValue][Int(expert)] += 1 }
        }
        return ExpertUses(rows: Double(tokens.count), counts: counts)
    }

    /// Those that are used most, as many of each layer; equal ones by the lower expert.
    func most(_ uses: ExpertUses, perLayer count: Int) throws -> PresentExperts {
        let experts = uses.counts.enumerated().flatMap { layer, counts in
            counts.indices.sorted { (-counts[$0], $0) < (-counts[$1], $1) }.prefix(count)
                .map { ExpertID(layer: LayerIndex(layer), index: $0) }
        }
        return try PresentExperts(experts, of: model.description)
    }

    func tokens(_ count: Int, seed: UInt64 = 3) -> [Int32] {
        randomTokens(count, below: model.description.vocabularyCount, seed: seed)
    }
}

@Suite("Answers of experts that are in memory alone")
struct EmoeTests {
    @Test("Where a task's uses are known, the answer is that of the experts it uses most")
    func known() throws {
        let emoe = try EmoeModel(try .demo)
        let layers = emoe.numbering.placeCount
        let uses = try emoe.uses(of: emoe.tokens(200, seed: 7))
        let tokens = emoe.tokens(40)
        for perLayer in [2, 7, 25] {
            let runner = try emoe.runner(layers * perLayer, EmoeOptions(tasks: [uses]))
            let present = try emoe.most(uses, perLayer: perLayer)
            #expect(runner.present == present)
            #expect(runner.presence?.expertCount == layers * perLayer)
            let before = runner.figures
            let found = try emoe.forward(runner).logits(of: tokens, chunk: 6)
            let expected = try emoe.limited(to: present).logits(of: tokens, chunk: 6)
            #expect(bits(found) == bits(expected))
            // Nothing was waited for.
            let cost = runner.figures.since(before)
            #expect(cost.bytesRead == 0 && cost.hits == cost.uses && cost.uses > 0)
            #expect(runner.uses.all == tokens.count * 2 * layers)
            #expect(runner.uses.substituted > 0 && runner.uses.high > 0)
        }
    }

    @Test("The first prompt is exact; what it used is what stays")
    func firstPrompt() throws {
        let emoe = try EmoeModel(try .demo)
        let layers = emoe.numbering.placeCount
        let prompt = emoe.tokens(50)
        let runner = try emoe.runner(layers * 10)
        try runner.beginPrompt(tokenCount: prompt.count)
        let forward = emoe.forward(runner)
        let whole = bits(try emoe.model.forward().logits(of: prompt, chunk: 8))
        // In chunks, as prompts are read, and the last one is shorter.
        #expect(bits(try forward.logits(of: prompt, chunk: 8)) == whole)
        #expect(runner.uses.substituted == 0 && runner.uses.high == prompt.count * 2 * layers)
        let present = try #require(runner.present)
        let uses = try emoe.uses(of: prompt)
        for (layer, counts) in uses.counts.enumerated() {
            let chosen = counts.indices.filter { present[layer][$0] }.map { counts[$0] }
            let others = counts.indices.filter { !present[layer][$0] }.map { counts[$0] }
            #expect(chosen.count == 10)
            // Of those used equally often, who was used later stays.
            #expect(chosen.min() ?? 0 >= others.max() ?? 0)
        }
        let before = runner.figures
        let next = emoe.tokens(30, seed: 9)
        let expected = bits(try emoe.limited(to: present).logits(of: next, chunk: 1))
        #expect(bits(try forward.logits(of: next, chunk: 1)) == expected)
        #expect(runner.figures.since(before).bytesRead == 0)
        #expect(runner.uses.substituted > 0)
    }

    @Test("Before the prompt has ended nobody is chosen, however it is cut")
    func middleOfPrompt() throws {
        let emoe = try EmoeModel(try TinyModel(seed: 4).wholeModel())
        let runner = try emoe.runner(emoe.numbering.placeCount * 3)
        try runner.beginPrompt(tokenCount: 12)
        let forward = emoe.forward(runner)
        _ = try forward.logits(of: emoe.tokens(11), chunk: 3)
        #expect(runner.present == nil && runner.presence == nil)
        _ = try forward.logits(of: emoe.tokens(1), chunk: 3)
        #expect(runner.present != nil)
    }

    @Test("Experts are chosen anew every so many prompts, from what rows wanted meanwhile")
    func period() throws {
        let emoe = try EmoeModel(try .demo)
        let layers = emoe.numbering.placeCount
        let first = try emoe.uses(of: emoe.tokens(100, seed: 7))
        let runner = try emoe.runner(layers * 4, EmoeOptions(tasks: [first], period: 2))
        let forward = emoe.forward(runner)
        let before = runner.present
        var changes = 0
        for prompt in 0..<3 {
            try runner.beginPrompt(tokenCount: 2000)
            if runner.present != before { changes += 1 }
            #expect(prompt == 2 || changes == 0)
            // The same token again and again, which few experts are for.
            let tokens = Array(repeating: Int32(11), count: 200)
            for _ in 0..<10 { _ = try forward.logits(of: tokens) }
        }
        #expect(changes == 1)
        #expect(runner.figures.bytesRead > layers * 4 * emoe.layout.slotByteCount)
    }

    @Test("Several tasks count as much as each other, however long they were counted")
    func tasks() throws {
        let emoe = try EmoeModel(try TinyModel(seed: 4).wholeModel())
        let counts = emoe.model.description.expertCounts
        func only(_ expert: Int, rows: Double) -> ExpertUses {
            ExpertUses(
                rows: rows,
                counts: counts.map { count in
                    (0..<count).map { $0 == expert ? rows : 0 }
                }
            )
        }
        let slots = emoe.numbering.placeCount * 2
        let runner = try emoe.runner(
            slots,
            EmoeOptions(tasks: [only(5, rows: 1e9), only(6, rows: 3)])
        )
        let present = try #require(runner.present)
        for layer in counts.indices where counts[layer] > 0 {
            #expect(present[layer][5] && present[layer][6])
        }
    }

    @Test("A memory for fewer experts than a token takes is refused with the least that would do")
    func tooSmall() throws {
        let emoe = try EmoeModel(try .demo)
        let least = emoe.numbering.placeCount * emoe.model.description.expertsPerToken
        _ = try emoe.runner(least)
        let size = emoe.layout.slotByteCount
        #expect(
            throws: MemoryPlanError.tooSmall(budget: (least - 1) * size, least: least * size)
        ) {
            try emoe.runner(least - 1)
        }
    }

    @Test("Uses of another model are refused")
    func otherModel() throws {
        let emoe = try EmoeModel(try .demo)
        let uses = ExpertUses(rows: 1, counts: [[1, 0], [0, 1]])
        #expect(
            throws: ExpertUsesError.otherModel(
                layers: 2,
                experts: 4,
                expectedLayers: emoe.model.description.expertCounts.count,
                expectedExperts: emoe.numbering.count
            )
        ) {
            try emoe.runner(60, EmoeOptions(tasks: [uses]))
        }
    }

    @Test("What fits into memory stays exact")
    func fits() throws {
        let emoe = try EmoeModel(try TinyModel(seed: 6).wholeModel())
        let residence = ExpertResidence(
            emoe.model.file,
            cache: emoe.cache,
            kernels: Kernels(instructionSet: .detected, threadCount: 1),
            lossy: .emoe(EmoeOptions())
        )
        let budget = emoe.numbering.count * emoe.layout.slotByteCount
        #expect(try residence.runner(budget: budget, fixed: 0) is LocalRunner)
    }

    @Test("An expert that the store has damaged comes from the model file, to the same bits")
    func damagedStore() throws {
        let emoe = try EmoeModel(try TinyModel(seed: 6).wholeModel())
        let store = try StoreMaker(emoe.model.file, cache: emoe.cache).open()
        let handle = try FileHandle(forUpdating: URL(filePath: store.path))
        for id in emoe.layout.experts {
            let extent = try #require(emoe.layout.extent(of: id))
            try handle.seek(toOffset: UInt64(extent.lowerBound + 50))
            try handle.write(contentsOf: Data([1, 2, 3]))
        }
        try handle.close()
        let tokens = emoe.tokens(20)
        let uses = try emoe.uses(of: tokens)
        let runner = try emoe.runner(
            emoe.numbering.placeCount * 3,
            EmoeOptions(tasks: [uses])
        )
        #expect(runner.figures.fallbacks == emoe.numbering.placeCount * 3)
        let present = try emoe.most(uses, perLayer: 3)
        let expected = bits(try emoe.limited(to: present).logits(of: tokens))
        #expect(bits(try emoe.forward(runner).logits(of: tokens)) == expected)
    }
}
