import Caching
import ClusterTesting
import ExpertStore
import Experts
import Foundation
import Inference
import Kernels
import Model
import Storage
import Tensors
import Testing

/// A model whose experts are on disk in two tiers, and some of them in memory.
private struct LossyModel {
    let place: TemporaryFile
    let cache: ExpertCache
    let model: WholeModel
    let tier: LowTier
    let high: StoreLayout
    let low: StoreLayout

    init(_ model: WholeModel, _ tier: LowTier = .q4) throws {
        place = try TemporaryFile("cache")
        cache = try ExpertCache(path: place.path, byteLimit: 1 << 30, spareByteCount: 0)
        self.model = model
        self.tier = tier
        high = try StoreLayout(model.file.layout)
        low = try StoreLayout(model.file.layout.lowered(to: tier))
    }

    /// Memory for experts, were nothing else to take any.
    func budget(high: Int, low: Int) -> Int {
        high * self.high.slotByteCount + low * self.low.slotByteCount
    }

    func runner(
        _ mode: LossyMode,
        budget: Int,
        lowShare: Double = TierOptions.usualLowShare,
        hasLowTier: Bool = true,
        importance: String? = nil,
        kernels: Kernels = Kernels(instructionSet: .detected, threadCount: 1),
        onTrouble: @escaping (ExpertResidence.Trouble) -> Void = { _ in }
    ) throws -> any LossyRunner {
        var options = TierOptions(
            mode: mode,
            tier: hasLowTier ? tier : nil,
            lowShare: lowShare
        )
        options.importancePath = importance
        let residence = ExpertResidence(
            model.file,
            cache: cache,
            kernels: kernels,
            lossy: .tiers(options)
        )
        let runner = try residence.runner(budget: budget, fixed: 0, onTrouble: onTrouble)
        return try #require(runner as? any LossyRunner)
    }

    func forward(_ runner: any ExpertRunner) -> ForwardPass {
        model.forward(
            kernels: Kernels(instructionSet: .detected, threadCount: 1),
            experts: runner
        )
    }

    /// All experts in the low tier, computed as any others are.
    func allLow(importance: ColumnImportance? = nil) throws -> ForwardPass {
        let memory = try SlotMemory(slotCount: low.expertCount, slotByteCount: low.slotByteCount)
        let source = ModelSlots(
            model: model.file,
            layout: low,
            tier: tier,
            importance: importance
        )
        var held = HeldExperts(expertCounts: model.description.expertCounts)
        for (slot, id) in low.experts.enumerated() {
            _ = try source.read(0, of: id, into: memory, slot: slot)
            held.insert(try #require(low.weights(of: id, in: memory[slot])), as: id)
        }
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        return model.forward(kernels: kernels, experts: LocalRunner(held: held, kernels: kernels))
    }

    func tokens(_ count: Int, seed: UInt64 = 3) -> [Int32] {
        randomTokens(count, below: model.description.vocabularyCount, seed: seed)
    }
}

/// Troubles, as they are told.
private final class Troubles {
    var texts: [String] = []
}

@Suite("Answers that need not be exact")
struct LossyTests {
    private static let never = LoadThresholds(low: 1, skip: 1)

    @Test("Everything in few bits, nothing else: each use is low, the bits are those of few bits")
    func allLow() throws {
        for tier in LowTier.allCases {
            let lossy = try LossyModel(try .demo, tier)
            let tokens = lossy.tokens(24)
            let budget = lossy.budget(high: 0, low: lossy.low.expertCount)
            let runner = try lossy.runner(.resident, budget: budget)
            let found = try lossy.forward(runner).logits(of: tokens, chunk: 5)
            #expect(bits(found) == bits(try lossy.allLow().logits(of: tokens)))
            #expect(runner.uses.low == tokens.count * 2 * 6 && runner.uses.high == 0)
            #expect(runner.slotCounts == SlotCounts(high: 0, low: lossy.low.expertCount))
        }
    }

    @Test("Hot experts come into the high tier by and by; where all used ones are, bits are exact")
    func promotion() throws {
        let lossy = try LossyModel(try TinyModel(seed: 4).wholeModel())
        // The same again and again, which a few experts are for.
        let tokens = Array(repeating: Int32(5), count: 10)
        let whole = bits(try lossy.model.forward().logits(of: tokens))
        let low = lossy.low.expertCount
        let runner = try lossy.runner(.resident, budget: lossy.budget(high: 6, low: low))
        let forward = lossy.forward(runner)
        var isExact = false
        // Reads take a while; how many rounds pass meanwhile is not known.
        for _ in 0..<2000 where !isExact {
            let before = runner.uses
            let found = bits(try forward.logits(of: tokens, chunk: 1))
            let uses = runner.uses.since(before)
            #expect(uses.all == tokens.count * 2 * 2 && uses.skipped == 0)
            guard uses.low == 0 else { continue }
            #expect(found == whole)
            isExact = true
        }
        #expect(runner.uses.high > 0 && runner.uses.low > 0)
        #expect(runner.figures.bytesRead > 0 && runner.figures.fallbacks == 0)
    }

    @Test("The high tier is full before the first token, and few come into it at a time later")
    func fullFromTheStart() throws {
        let lossy = try LossyModel(try .demo)
        let low = lossy.low.expertCount
        let runner = try lossy.runner(.resident, budget: lossy.budget(high: 48, low: low))
        #expect(runner.figures.idleLoads == 48 && runner.figures.uses == 0)
        let filled = runner.figures.bytesRead
        #expect(filled == 48 * lossy.high.slotByteCount)
        let tokens = lossy.tokens(40)
        _ = try lossy.forward(runner).logits(of: tokens, chunk: 1)
        // A quarter of the experts, some of which made way.
        #expect(runner.uses.high > 0 && runner.figures.idleUses > 0)
        let promotions = (runner.figures.bytesRead - filled) / lossy.high.slotByteCount
        #expect(promotions <= runner.uses.all / 256)
    }

    @Test("Hobbit that judges everything important is exact")
    func hobbitExact() throws {
        for named in NamedModel.integerModels {
            let lossy = try LossyModel(named.model)
            let tokens = lossy.tokens(40)
            let whole = bits(try named.model.forward().logits(of: tokens))
            let least = 2 * lossy.model.description.expertsPerToken
            let budget = lossy.budget(high: least + 1, low: least)
            // What fits is exact anyway.
            guard budget < lossy.budget(high: lossy.high.expertCount, low: 0) else { continue }
            let runner = try lossy.runner(.hobbit(Self.never), budget: budget)
            let forward = lossy.forward(runner)
            #expect(bits(try forward.logits(of: tokens, chunk: 1)) == whole)
            #expect(bits(try forward.logits(of: tokens, chunk: 7)) == whole)
            #expect(runner.uses.high == runner.uses.all && runner.uses.all > 0)
        }
    }

    @Test("Hobbit loads by weight: what is missing and light comes low or not at all")
    func hobbitChoices() throws {
        let lossy = try LossyModel(try .demo)
        let tokens = lossy.tokens(60)
        let least = 2 * lossy.model.description.expertsPerToken
        let budget = lossy.budget(high: 2 * least, low: least)
        let low = try lossy.runner(.hobbit(LoadThresholds(low: 0, skip: 1)), budget: budget)
        _ = try lossy.forward(low).logits(of: tokens, chunk: 1)
        #expect(low.uses.low > 0 && low.uses.skipped == 0)
        // Each token's heaviest in each layer.
        #expect(low.uses.high >= tokens.count * 6)
        let skipped = try lossy.runner(.hobbit(LoadThresholds(low: 0, skip: 0)), budget: budget)
        _ = try lossy.forward(skipped).logits(of: tokens, chunk: 1)
        #expect(skipped.uses.low == 0 && skipped.uses.skipped > 0)
        #expect(skipped.uses.all == tokens.count * 2 * 6)
        let usual = try lossy.runner(.hobbit(LoadThresholds()), budget: budget)
        _ = try lossy.forward(usual).logits(of: tokens, chunk: 1)
        #expect(usual.uses.low > 0 && usual.uses.high > 0)
    }

    @Test("Hobbit without a low tier leaves out what weighs little, and the rest is exact")
    func hobbitWithoutLowTier() throws {
        let lossy = try LossyModel(try .demo)
        let tokens = lossy.tokens(60)
        let whole = bits(try lossy.model.forward().logits(of: tokens))
        let least = 2 * lossy.model.description.expertsPerToken
        let budget = lossy.budget(high: least, low: 0)
        #expect(throws: MemoryPlanError.tooSmall(budget: budget - 1, least: budget)) {
            try lossy.runner(.hobbit(LoadThresholds()), budget: budget - 1, hasLowTier: false)
        }
        for thresholds in [LoadThresholds(low: 0, skip: 1), LoadThresholds(low: 0, skip: 0)] {
            let runner = try lossy.runner(
                .hobbit(thresholds),
                budget: budget,
                hasLowTier: false
            )
            #expect(runner.slotCounts == SlotCounts(high: least))
            let found = bits(try lossy.forward(runner).logits(of: tokens, chunk: 1))
            #expect(runner.uses.low == 0 && runner.uses.all == tokens.count * 2 * 6)
            #expect((runner.uses.skipped == 0) == (thresholds.skip == 1))
            #expect((found == whole) == (thresholds.skip == 1))
            #expect(runner.figures.lowUses == 0 && runner.figures.tierHitRates == nil)
        }
        let packed = try FileManager.default.contentsOfDirectory(
            atPath: lossy.place.path + "/packed"
        )
        #expect(packed.count == 1, "experts as in the file, and no others")
    }

    @Test("Prompts stay exact in hobbit")
    func hobbitPrompt() throws {
        let lossy = try LossyModel(try .demo)
        let tokens = lossy.tokens(32)
        let whole = bits(try lossy.model.forward().logits(of: tokens))
        let runner = try lossy.runner(
            .hobbit(LoadThresholds(low: 0, skip: 0)),
            budget: lossy.budget(high: 8, low: 4)
        )
        #expect(bits(try lossy.forward(runner).logits(of: tokens, chunk: 16)) == whole)
        #expect(runner.uses.high == tokens.count * 2 * 6)
    }

    @Test("Float experts are held in few bits too, and stay near")
    func floatExperts() throws {
        var recipe = TinyModel(seed: 8)
        recipe.expertType = .f32
        let lossy = try LossyModel(try recipe.wholeModel())
        let tokens = lossy.tokens(30)
        let exact = try lossy.model.forward().logits(of: tokens)
        let budgets = [lossy.budget(high: 0, low: 16), lossy.budget(high: 5, low: 16)]
        for budget in budgets {
            let runner = try lossy.runner(.resident, budget: budget)
            let found = try lossy.forward(runner).logits(of: tokens, chunk: 4)
            var deviation = Deviation()
            for (a, b) in zip(found, exact) { deviation.add(a, b) }
            let size = exact.reduce(0) { $0 + abs(Double($1)) } / Double(exact.count)
            #expect(deviation.mean < 0.3 * size, "\(deviation.mean) of \(size)")
        }
        let runner = try lossy.runner(
            .hobbit(LoadThresholds(low: 0, skip: 1)),
            budget: lossy.budget(high: 5, low: 5)
        )
        let found = try lossy.forward(runner).logits(of: tokens, chunk: 1)
        #expect(found.allSatisfy { $0.isFinite } && runner.uses.low > 0)
    }

    @Test("A damaged store of the low tier is made up for from the model file, to the same bits")
    func damagedLowTier() throws {
        let lossy = try LossyModel(try TinyModel(seed: 6).wholeModel())
        let store = try StoreMaker(lossy.model.file, tier: lossy.tier, cache: lossy.cache).open()
        let handle = try FileHandle(forUpdating: URL(filePath: store.path))
        for id in lossy.low.experts {
            let extent = try #require(lossy.low.extent(of: id))
            try handle.seek(toOffset: UInt64(extent.lowerBound + 50))
            try handle.write(contentsOf: Data([1, 2, 3]))
        }
        try handle.close()
        let tokens = lossy.tokens(20)
        let troubles = Troubles()
        let runner = try lossy.runner(
            .resident,
            budget: lossy.budget(high: 0, low: lossy.low.expertCount),
            onTrouble: { troubles.texts.append("\($0)") }
        )
        // Rows of 64 have no blocks of 256.
        #expect(troubles.texts.removeFirst().contains("Q4_0, not in q4"))
        let found = bits(try lossy.forward(runner).logits(of: tokens))
        #expect(found == bits(try lossy.allLow().logits(of: tokens)))
        #expect(troubles.texts.count == lossy.low.expertCount)
        // It is made anew.
        _ = try StoreMaker(lossy.model.file, tier: lossy.tier, cache: lossy.cache).open()
    }

    @Test("What is known of the columns is what the low tier is rounded by")
    func importance() throws {
        let lossy = try LossyModel(try TinyModel(seed: 6).wholeModel())
        let layout = lossy.model.file.layout
        let file = try ImportanceFile.write(for: layout) { _, _, column in
            column % 4 == 0 ? 1 : 0.001
        }
        let tokens = lossy.tokens(20)
        let budget = lossy.budget(high: 0, low: lossy.low.expertCount)
        let expected = bits(
            try lossy.allLow(importance: ColumnImportance(path: file.path, for: layout))
                .logits(of: tokens)
        )
        #expect(expected != bits(try lossy.allLow().logits(of: tokens)))
        // Both tiers' stores lie in one cache.
        for importance in [nil, file.path] {
            let runner = try lossy.runner(.resident, budget: budget, importance: importance)
            let found = bits(try lossy.forward(runner).logits(of: tokens))
            #expect((found == expected) == (importance != nil))
        }
        #expect(throws: ModelError.self) {
            try lossy.runner(.resident, budget: budget, importance: file.path + "-none")
        }
    }

    @Test("A memory that does not hold the low tier is refused with the least that would do")
    func tooSmall() throws {
        let lossy = try LossyModel(try TinyModel(seed: 6).wholeModel())
        let least = lossy.budget(high: 0, low: lossy.low.expertCount)
        #expect(throws: MemoryPlanError.tooSmall(budget: least - 1, least: least)) {
            try lossy.runner(.resident, budget: least - 1)
        }
        let hobbit = lossy.budget(high: 4, low: 4)
        #expect(throws: MemoryPlanError.tooSmall(budget: hobbit - 1, least: hobbit)) {
            try lossy.runner(.hobbit(LoadThresholds()), budget: hobbit - 1)
        }
    }

    @Test("What fits into memory stays exact")
    func fits() throws {
        let lossy = try LossyModel(try TinyModel(seed: 6).wholeModel())
        let residence = ExpertResidence(
            lossy.model.file,
            cache: lossy.cache,
            kernels: Kernels(instructionSet: .detected, threadCount: 1),
            lossy: .tiers(TierOptions(mode: .resident, tier: .q4))
        )
        let budget = lossy.budget(high: lossy.high.expertCount, low: 0)
        #expect(try residence.runner(budget: budget, fixed: 0) is LocalRunner)
    }
}
