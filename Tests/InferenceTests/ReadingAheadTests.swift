import ClusterTesting
import ExpertStore
import Experts
import Kernels
import Model
import Synchronization
import Tensors
import Testing

@Suite("What is read before a layer chose it")
struct ReadingAheadTests {
    @Test("No more reads are under way than may be, however many guesses come true at once")
    func capacity() throws {
        let resident = try ResidentModel(try .demo)
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        let memory = try SlotMemory(slotCount: 60, slotByteCount: resident.layout.slotByteCount)
        let source = GatedSource(try resident.store)
        let experts = SlottedExperts(
            layout: resident.layout,
            expertCounts: resident.model.description.expertCounts,
            expertsPerRow: 7,
            memory: memory,
            reads: ReadPool(memory: memory, sources: [source], capacity: 8),
            fastSourceCount: 1,
            options: ResidencyOptions(foresight: 1),
            kernels: kernels,
            onTrouble: { _ in }
        )
        let routing = Routing(
            topK: 7,
            experts: Array(0..<7),
            weights: Array(repeating: 0.125, count: 7)
        )
        // None of them comes before the layer does.
        experts.foresee(LayerIndex(0), distance: 0, routing)
        experts.foresee(LayerIndex(1), distance: 1, routing)
        #expect(experts.figures.readAhead == 7)
        experts.begin(LayerIndex(0), routing)
        #expect(experts.figures.foreseen == 7 && experts.figures.readAhead == 8)
        source.open()
        experts.settle()
    }

    @Test("From a disk that is never idle nothing is read ahead")
    func busyDisk() throws {
        let resident = try ResidentModel(try .demo)
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        let now = Mutex(ContinuousClock.now)
        let memory = try SlotMemory(slotCount: 60, slotByteCount: resident.layout.slotByteCount)
        let source = GatedSource(try resident.store)
        let pool = ReadPool(
            memory: memory,
            sources: [source],
            capacity: 8,
            now: { now.withLock { $0 } }
        )
        let experts = SlottedExperts(
            layout: resident.layout,
            expertCounts: resident.model.description.expertCounts,
            expertsPerRow: 2,
            memory: memory,
            reads: pool,
            fastSourceCount: 1,
            options: ResidencyOptions(foresight: 1),
            kernels: kernels,
            onTrouble: { _ in }
        )
        func routing(_ first: Int32) -> Routing {
            Routing(topK: 2, experts: [first, first + 1], weights: [0.5, 0.5])
        }
        experts.foresee(LayerIndex(1), distance: 1, routing(0))
        #expect(experts.figures.readAhead == 2)
        experts.begin(LayerIndex(0), routing(4))
        now.withLock { $0 += .seconds(1) }
        source.open()
        experts.settle()
        experts.foresee(LayerIndex(2), distance: 1, routing(0))
        #expect(experts.figures.readAhead == 2)
    }

    @Test("Of guesses that name more than half of a layer, as prompts' do, nothing is read ahead")
    func longGuess() throws {
        let resident = try ResidentModel(try .demo)
        let runner = try resident.runner(
            slots: 60,
            sources: [try resident.store],
            kernels: Kernels(instructionSet: .detected, threadCount: 1),
            options: ResidencyOptions(foresight: 1)
        )
        for (count, isRead) in [(17, false), (16, true)] {
            let guess = Routing(
                topK: count,
                experts: Array(0..<Int32(count)),
                weights: Array(repeating: 0.05, count: count)
            )
            runner.foresee(0, layer: LayerIndex(1), distance: 1, routing: guess)
            #expect((runner.figures.readAhead > 0) == isRead)
        }
        runner.cancel()
    }
}
