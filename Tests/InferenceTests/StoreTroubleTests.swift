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

@Suite("Packed experts and models that change while they are used")
struct StoreTroubleTests {
    @Test("A store that is cut while it is read gives way to the model file, and is made anew")
    func cut() throws {
        let model = try TinyModel(seed: 4).wholeModel()
        let tokens = randomTokens(30, below: model.description.vocabularyCount, seed: 1)
        let whole = bits(try model.forward().logits(of: tokens))
        let place = try TemporaryFile("cache")
        let cache = try ExpertCache(path: place.path, byteLimit: 1 << 30, spareByteCount: 0)
        let maker = try StoreMaker(model.file, cache: cache)
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        let experts = SlottedExperts(
            try StoredExperts(model.file, cache: cache, slotCount: 3),
            options: ResidencyOptions(),
            kernels: kernels,
            onTrouble: { _ in }
        )
        let path = try #require(maker.existingPath)
        let handle = try FileHandle(forUpdating: URL(filePath: path))
        try handle.truncate(atOffset: UInt64(StoreLayout.pageByteCount))
        try handle.close()
        let forward = model.forward(
            kernels: kernels,
            experts: ResidentRunner(experts)
        )
        #expect(bits(try forward.logits(of: tokens, chunk: 8)) == whole)
        #expect(experts.figures.fallbacks > 0)
        #expect(maker.existingPath == nil, "the next one that opens it makes it")
        withExtendedLifetime(place) {}
    }

    @Test("Where experts come from a model file that somebody writes to, no answer does")
    func changed() throws {
        let place = try TinyModel(seed: 4).writeTemporary()
        let model = try ModelFile(path: place.path)
        let layout = try StoreLayout(model.layout)
        let memory = try SlotMemory(slotCount: 1, slotByteCount: layout.slotByteCount)
        let source = ModelSlots(model: model, layout: layout)
        let expert = try #require(layout.experts.first)
        let sum = try source.read(0, of: expert, into: memory, slot: 0)
        try source.check(sum, of: expert)
        // Times may be as coarse as some milliseconds.
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: 60)],
            ofItemAtPath: place.path
        )
        #expect {
            try source.check(sum, of: expert)
        } throws: { error in
            "\(error)".contains("was changed while its experts were read")
        }
    }
}
