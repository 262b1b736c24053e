import ClusterTesting
import Experts
import Foundation
import GGUF
import Inference
import Model
import Testing

/// Files that change between opening and reading: an error, or the data that was there.
@Suite("Model files that change while they are open")
struct ChangingFileTests {
    private let recipe = TinyModel()
    private let experts = (0..<8).map { ExpertID(layer: LayerIndex(1), index: $0) }

    private func resize(_ path: String, to byteCount: Int) throws {
        let handle = try FileHandle(forUpdating: URL(filePath: path))
        try handle.truncate(atOffset: UInt64(byteCount))
        try handle.close()
    }

    @Test("A file that shrinks before the core weights are read is named, with both sizes")
    func shrinksBeforeLoading() throws {
        let file = try recipe.writeTemporary()
        let model = try ModelFile(path: file.path)
        try resize(file.path, to: model.file.byteCount / 2)
        let error = try #require(throws: ModelError.self) { try CoreWeights(from: model) }
        #expect("\(error)".contains("shrank to \(model.file.byteCount / 2) bytes"))
        #expect("\(error)".contains(file.path))
    }

    @Test("A file that shrinks between two experts ends the load with the same words")
    func shrinksWhileLoading() throws {
        let file = try recipe.writeTemporary()
        let model = try ModelFile(path: file.path)
        let header = model.file.parts[0].headerByteCount
        let error = try #require(throws: ModelError.self) {
            try ExpertLoader(model: model, threadCount: 2).load(
                experts,
                progress: { _ in
                    do { try resize(file.path, to: header) } catch { Issue.record("\(error)") }
                }
            )
        }
        #expect("\(error)".contains("shrank to \(header) bytes"))
    }

    @Test("A file that grows is read as it was")
    func grows() throws {
        let file = try recipe.writeTemporary()
        let model = try ModelFile(path: file.path)
        let before = try digests(in: model)
        try resize(file.path, to: model.file.byteCount + (1 << 20))
        _ = try ExpertLoader(model: model, threadCount: 1).load(experts, digests: before)
        _ = try CoreWeights(from: model)
    }

    @Test("A file that another takes the name of is read on as it was")
    func replaced() throws {
        let file = try recipe.writeTemporary()
        let model = try ModelFile(path: file.path)
        let before = try digests(in: model)
        // The writer moves a complete file into place, as downloads should.
        try TinyModel(recipe.architecture, seed: 2).write(to: file.path)
        _ = try ExpertLoader(model: model, threadCount: 1).load(experts, digests: before)
        let other = try ModelFile(path: file.path)
        #expect(try digests(in: other) != before)
    }

    private func digests(in model: ModelFile) throws -> [ExpertDigest] {
        try experts.map { try ExpertDigest(of: model.expert($0)) }
    }

    @Test("A file overwritten in place differs from the digests of the one that was opened")
    func overwritten() throws {
        let file = try recipe.writeTemporary()
        let model = try ModelFile(path: file.path)
        let loader = ExpertLoader(model: model, threadCount: 1)
        let digests = try self.digests(in: model)
        let handle = try FileHandle(forUpdating: URL(filePath: file.path))
        try handle.seek(toOffset: UInt64(model.file.parts[0].headerByteCount))
        let data = model.file.byteCount - model.file.parts[0].headerByteCount
        try handle.write(contentsOf: Data(repeating: 0, count: data))
        try handle.close()
        let error = try #require(throws: ModelError.self) {
            try loader.load(experts, digests: digests)
        }
        guard case .differs = error else {
            Issue.record("\(error)")
            return
        }
    }
}
