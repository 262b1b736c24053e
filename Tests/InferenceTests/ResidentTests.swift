import CAllocations
import Caching
import ClusterTesting
import ExpertStore
import Experts
import Foundation
import Inference
import Kernels
import Model
import Storage
import Synchronization
import Tensors
import Testing

/// A model whose experts are on disk, and some of them in memory.
struct ResidentModel {
    let place: TemporaryFile
    let cache: ExpertCache
    let model: WholeModel
    let layout: StoreLayout

    init(_ model: WholeModel, byteLimit: Int = 1 << 30) throws {
        place = try TemporaryFile("cache")
        cache = try ExpertCache(path: place.path, byteLimit: byteLimit, spareByteCount: 0)
        self.model = model
        layout = try StoreLayout(model.file.layout)
    }

    /// A runner with memory for so many experts, that reads guesses ahead however busy a disk is.
    func runner(
        slots: Int,
        sources: [any SlotSource],
        kernels: Kernels,
        options: ResidencyOptions = ResidencyOptions(),
        onTrouble: @escaping (StoreError) -> Void = { _ in }
    ) throws -> ResidentRunner {
        let memory = try SlotMemory(slotCount: slots, slotByteCount: layout.slotByteCount)
        let now = ContinuousClock.now
        let reads = ReadPool(
            memory: memory,
            sources: sources,
            capacity: min(8, slots),
            now: { now }
        )
        let experts = SlottedExperts(
            layout: layout,
            expertCounts: model.description.expertCounts,
            expertsPerRow: model.description.expertsPerToken,
            memory: memory,
            reads: reads,
            fastSourceCount: 1,
            options: options,
            kernels: kernels,
            onTrouble: onTrouble
        )
        return ResidentRunner(experts)
    }

    var store: PackedStore { get throws { try StoreMaker(model.file, cache: cache).open() } }
}

@Suite("Experts that do not fit into memory")
struct ResidentTests {
    @Test(
        "The same bits with memory for 2 experts, for some and for all",
        arguments: NamedModel.integerModels
    )
    func sameBits(named: NamedModel) throws {
        let tokens = randomTokens(40, below: named.model.description.vocabularyCount, seed: 3)
        let whole = bits(try named.model.forward().logits(of: tokens, chunk: 16))
        let resident = try ResidentModel(named.model)
        let store = try resident.store
        for slots in [1, 2, 7, resident.layout.expertCount] {
            let kernels = Kernels(instructionSet: .detected, threadCount: 2)
            let runner = try resident.runner(slots: slots, sources: [store], kernels: kernels)
            let forward = named.model.forward(kernels: kernels, experts: runner)
            #expect(bits(try forward.logits(of: tokens, chunk: 16)) == whole, "\(slots) slots")
            let again = bits(try forward.logits(of: tokens, chunk: 1))
            #expect(again == whole, "\(slots) slots, token by token")
            let figures = runner.figures
            #expect(figures.hits <= figures.uses && figures.fallbacks == 0)
            if slots == resident.layout.expertCount {
                #expect(figures.uses - figures.hits <= slots, "each is read once")
            }
        }
    }

    @Test("The same bits with every mixture of rows, slots and parts")
    func mixtures() throws {
        let seed: UInt64 = 41
        print("mixtures: seed \(seed)")
        var random = SeededRandom(seed: seed)
        let model = try TinyModel.ofEachFamily(seed: 9)[0].wholeModel()
        let tokens = randomTokens(60, below: model.description.vocabularyCount, seed: seed)
        let whole = bits(try model.forward().logits(of: tokens))
        let resident = try ResidentModel(model)
        let store = try resident.store
        let policies: [CachePolicy] = [
            .standard, .lru, .lfu, .hobbit(.equal), .lcu(lowCost: 0.25),
        ]
        for _ in 0..<20 {
            let kernels = Kernels(instructionSet: .detected, threadCount: 1)
            let slots = Int.random(in: 1...resident.layout.expertCount, using: &random)
            let options = ResidencyOptions(
                policy: policies[Int.random(in: policies.indices, using: &random)],
                foresight: Int.random(in: ResidencyOptions.foresightRange, using: &random)
            )
            let runner = try resident.runner(
                slots: slots,
                sources: [store],
                kernels: kernels,
                options: options
            )
            let parts = Int.random(in: 1...3, using: &random)
            let chunk = Int.random(in: 1...20, using: &random)
            let forward = model.forward(kernels: kernels, experts: runner, microBatches: parts)
            let found = bits(try forward.logits(of: tokens, chunk: chunk))
            #expect(found == whole, "\(slots) slots, \(parts) parts, \(chunk) rows, \(options)")
        }
    }

    @Test("Damaged and unreadable experts come from the model file, to the same bits, and count")
    func fallbacks() throws {
        let model = try TinyModel(seed: 4).wholeModel()
        let tokens = randomTokens(30, below: model.description.vocabularyCount, seed: 1)
        let whole = bits(try model.forward().logits(of: tokens))
        let resident = try ResidentModel(model)
        let store = try resident.store
        let handle = try FileHandle(forUpdating: URL(filePath: store.path))
        for id in resident.layout.experts {
            let extent = try #require(resident.layout.extent(of: id))
            try handle.seek(toOffset: UInt64(extent.lowerBound + 100))
            try handle.write(contentsOf: Data([1, 2, 3]))
        }
        try handle.close()
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        let source = ModelSlots(model: model.file, layout: resident.layout)
        for first in [store as any SlotSource, FailingSource()] {
            let notes = Notes()
            let runner = try resident.runner(
                slots: 3,
                sources: [first, source],
                kernels: kernels,
                onTrouble: { notes.add("\($0)") }
            )
            let forward = model.forward(kernels: kernels, experts: runner)
            #expect(bits(try forward.logits(of: tokens, chunk: 8)) == whole)
            #expect(runner.figures.fallbacks > 0)
            #expect(notes.texts.count == runner.figures.fallbacks)
        }
    }

    @Test("An expert that cannot be read fails its step with the reason; later steps go on")
    func failure() throws {
        let model = try TinyModel(seed: 4).wholeModel()
        let tokens = randomTokens(20, below: model.description.vocabularyCount, seed: 1)
        let resident = try ResidentModel(model)
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        let flaky = FlakySource(store: try resident.store)
        let runner = try resident.runner(slots: 5, sources: [flaky], kernels: kernels)
        let forward = model.forward(kernels: kernels, experts: runner)
        flaky.fails.store(true, ordering: .relaxed)
        #expect { try forward.logits(of: tokens, chunk: 5) } throws: { error in
            "\(error)".contains("cannot be read") && "\(error)".contains("flaky")
        }
        flaky.fails.store(false, ordering: .relaxed)
        let whole = bits(try model.forward().logits(of: tokens))
        #expect(bits(try forward.logits(of: tokens, chunk: 5)) == whole)
    }

    @Test("Guesses that turn out wrong are soon not read any more, and change no bit")
    func wrongGuesses() throws {
        let model = try WholeModel.demo
        let tokens = randomTokens(90, below: model.description.vocabularyCount, seed: 13)
        let resident = try ResidentModel(model)
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        let runner = try resident.runner(
            slots: 60,
            sources: [try resident.store],
            kernels: kernels
        )
        let misled = MisleadingRunner(runner, expertCount: model.description.expertCount)
        let forward = model.forward(kernels: kernels, experts: misled)
        let context = try forward.makeContext(capacity: tokens.count)
        var readAhead: [Int] = []
        var logits: [Float] = []
        for (position, token) in tokens.enumerated() {
            var batch = Batch()
            batch.append([token], from: position, of: context, logits: .last)
            try forward.run(batch, logits: &logits)
            readAhead.append(runner.figures.readAhead)
        }
        let whole = try model.forward().logits(of: tokens).suffix(logits.count)
        #expect(logits.map(\.bitPattern) == whole.map(\.bitPattern))
        #expect(readAhead[0] > 0)
        #expect(readAhead[89] == readAhead[60], "\(readAhead)")
    }

    @Test("A store that was damaged is made anew when it is opened; what is right is kept")
    func madeAnew() throws {
        let resident = try ResidentModel(try TinyModel(seed: 6).wholeModel())
        let first = try resident.store
        let made = FileManager.default.contents(atPath: first.path)
        let maker = try StoreMaker(resident.model.file, cache: resident.cache)
        var packed = 0
        _ = try maker.open(progress: { _ in packed += 1 })
        #expect(packed == 0, "it was right")
        let handle = try FileHandle(forUpdating: URL(filePath: first.path))
        try handle.truncate(atOffset: 9000)
        try handle.close()
        _ = try maker.open(progress: { _ in packed += 1 })
        #expect(packed == resident.layout.expertCount)
        #expect(FileManager.default.contents(atPath: first.path) == made)
    }

    @Test("Without room for a store, experts come from the model file")
    func noRoom() throws {
        let model = try TinyModel(seed: 4).wholeModel()
        let resident = try ResidentModel(model, byteLimit: 10_000)
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        let residence = ExpertResidence(model.file, cache: resident.cache, kernels: kernels)
        let notes = Notes()
        let runner = try residence.runner(
            budget: 5 * resident.layout.slotByteCount,
            fixed: 0,
            onTrouble: { notes.add("\($0)") }
        )
        #expect(notes.texts.first?.contains("cache-size") == true)
        let tokens = randomTokens(30, below: model.description.vocabularyCount, seed: 1)
        let whole = bits(try model.forward().logits(of: tokens))
        let forward = model.forward(kernels: kernels, experts: runner)
        #expect(bits(try forward.logits(of: tokens)) == whole)
        let figures = try #require(runner as? ResidentRunner).figures
        // Some may have been read ahead in vain.
        #expect(figures.fallbacks >= figures.uses - figures.hits && figures.fallbacks > 0)
    }

    @Test("What the next layers are expected to choose is read before they come, to the same bits")
    func foresight() throws {
        let model = try WholeModel.demo
        let tokens = randomTokens(60, below: model.description.vocabularyCount, seed: 12)
        let whole = bits(try model.forward().logits(of: tokens))
        let resident = try ResidentModel(model)
        let store = try resident.store
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        for foresight in ResidencyOptions.foresightRange {
            let runner = try resident.runner(
                slots: 60,
                sources: [store],
                kernels: kernels,
                options: ResidencyOptions(foresight: foresight)
            )
            let forward = model.forward(kernels: kernels, experts: runner)
            #expect(bits(try forward.logits(of: tokens, chunk: 1)) == whole)
            let figures = runner.figures
            #expect(runner.foresight == foresight)
            #expect((figures.readAhead > 0) == (foresight > 0))
            #expect((figures.foreseen > 0) == (foresight > 0))
            #expect(figures.bytesNeeded > 0 && figures.bytesNeeded <= figures.bytesRead)
            #expect(figures.foreseen <= figures.uses - figures.hits)
            for distance in 0...4 {
                let accuracy = figures.accuracy(distance: distance)
                #expect((accuracy != nil) == (foresight > 0 && distance <= foresight))
                // By chance 2 of 32 would be right.
                if let accuracy { #expect(accuracy > 0.15, "\(distance) layers ahead") }
            }
        }
    }

    @Test(
        "Steps that read experts soon ask the allocator for nothing any more",
        .enabled(if: moiety_allocation_count() >= 0)
    )
    func allocations() throws {
        let resident = try ResidentModel(try .demo)
        let kernels = Kernels(instructionSet: .detected, threadCount: 2)
        let store = try resident.store
        let runner = try resident.runner(slots: 20, sources: [store], kernels: kernels)
        let forward = resident.model.forward(kernels: kernels, experts: runner)
        let length = 900
        let context = try forward.makeContext(capacity: length)
        let tokens = randomTokens(length, below: forward.model.vocabularyCount, seed: 8)
        var logits: [Float] = []
        var batch = Batch()
        var position = 0
        // How many experts are computed at once depends on how fast they come, and so does when
        // the last memory has grown to what that needs.
        var quietSteps = 0
        while quietSteps < 20, position + 4 <= length {
            batch.removeAll()
            // Steps of one row and of several, whose experts pass through.
            let rows = tokens[position..<position + (quietSteps % 2 == 0 ? 4 : 1)]
            batch.append(rows, from: position, of: context, logits: .last)
            position += rows.count
            let before = moiety_allocation_count()
            try forward.run(batch, logits: &logits)
            quietSteps = moiety_allocation_count() == before ? quietSteps + 1 : 0
        }
        #expect(runner.figures.bytesRead > 0)
        #expect(quietSteps == 20)
    }

    @Test("A budget gives slots, or all experts, or is refused with the least that would do")
    func budgets() throws {
        let needs = MemoryPlan.Needs(
            fixed: 1000,
            slot: 100,
            experts: 1600,
            expertCount: 16,
            leastSlots: 4
        )
        #expect(try MemoryPlan(budget: 1400, needs).slotCount == 4)
        #expect(try MemoryPlan(budget: 2599, needs).slotCount == 15)
        #expect(try MemoryPlan(budget: 2600, needs).slotCount == nil)
        #expect(try MemoryPlan(budget: 2600, needs).equalSlotCount == 16)
        for budget in [0, 999, 1399] {
            #expect(throws: MemoryPlanError.tooSmall(budget: budget, least: 1400)) {
                try MemoryPlan(budget: budget, needs)
            }
        }
    }
}

/// What somebody was told.
private final class Notes: Sendable {
    private let all = Mutex<[String]>([])

    func add(_ text: String) { all.withLock { $0.append(text) } }

    var texts: [String] { all.withLock { $0 } }
}

/// Tells of other experts than the routers would choose.
private final class MisleadingRunner: ExpertRunner {
    private let runner: ResidentRunner
    private let expertCount: Int

    init(_ runner: ResidentRunner, expertCount: Int) {
        self.runner = runner
        self.expertCount = expertCount
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
    }

    func cancel() { runner.cancel() }

    var foresight: Int { runner.foresight }

    func foresee(_ part: Int, layer: LayerIndex, distance: Int, routing: Routing) {
        var other = routing
        for place in other.experts.indices {
            other.experts[place] = (other.experts[place] + 11) % Int32(expertCount)
        }
        runner.foresee(part, layer: layer, distance: distance, routing: other)
    }
}

/// A disk that gives nothing.
private struct FailingSource: SlotSource {
    func blockCount(of expert: ExpertID) -> Int { 2 }

    func read(
        _ block: Int,
        of expert: ExpertID,
        into memory: SlotMemory,
        slot: Int
    ) throws(StoreError) -> UInt64 {
        throw .file(.system(operation: "read", path: "failing", code: 5))
    }

    func check(_ sum: UInt64, of expert: ExpertID) throws(StoreError) {}
}

/// A disk that gives nothing for a while.
private final class FlakySource: SlotSource {
    let store: PackedStore
    let fails = Atomic(false)

    init(store: PackedStore) { self.store = store }

    func blockCount(of expert: ExpertID) -> Int { store.blockCount(of: expert) }

    func read(
        _ block: Int,
        of expert: ExpertID,
        into memory: SlotMemory,
        slot: Int
    ) throws(StoreError) -> UInt64 {
        guard !fails.load(ordering: .relaxed) || expert.index % 3 > 0 else {
            throw .file(.system(operation: "read", path: "flaky", code: 5))
        }
        return try store.read(block, of: expert, into: memory, slot: slot)
    }

    func check(_ sum: UInt64, of expert: ExpertID) throws(StoreError) {
        try store.check(sum, of: expert)
    }
}
