import ClusterTesting
import Kernels
import Model
import Synchronization
import Tensors
import Testing

@Suite("Reading weights piece by piece")
struct WeightReaderTests {
    @Test("Every row comes once, with its bytes, whatever the threads", arguments: [1, 2, 5])
    func rows(threadCount: Int) throws {
        let model = try WholeModel.demo.file
        let reader = WeightReader(model: model, threadCount: threadCount)
        for name in [WeightName.tokenEmbedding, .layer(0, .query), .outputNorm] {
            let whole = try model.matrix(name)
            let stored = try model.stored(name)
            #expect(stored.shape == whole.shape)
            let seen = Mutex([Int](repeating: 0, count: whole.rowCount))
            try reader.read(stored) { rows, weights in
                seen.withLock { seen in for row in rows { seen[row] += 1 } }
                let start = rows.lowerBound * whole.rowByteCount
                let isSame = whole.bytes.withSpan { span in
                    equal(span.extracting(start..<start + weights.byteCount), weights)
                }
                #expect(isSame && weights.byteCount == rows.count * whole.rowByteCount)
            }
            #expect(seen.withLock { $0.allSatisfy { $0 == 1 } })
        }
    }

    @Test("An expert's digest is the same, read at once or in pieces")
    func digests() throws {
        let model = try TinyModel(seed: 12).modelFile()
        for index in 0..<model.description.expertCount {
            let id = ExpertID(layer: LayerIndex(1), index: index)
            #expect(try model.digest(of: id) == ExpertDigest(of: model.expert(id)))
        }
        let strange = ExpertID(layer: LayerIndex(77), index: 0)
        #expect(throws: ModelError.self) { try model.digest(of: strange) }
        #expect(throws: ModelError.self) { try model.stored(strange) }
    }

    @Test("Who has enough gets no more, and an error that says so")
    func cancelled() throws {
        let model = try WholeModel.demo.file
        let flag = Flag()
        let reader = WeightReader(
            model: model,
            threadCount: 1,
            isCancelled: { flag.isSet.load(ordering: .relaxed) }
        )
        let lastRow = Mutex(0)
        let error = try #require(throws: ModelError.self) {
            try reader.read(model.stored(.tokenEmbedding)) { rows, _ in
                flag.isSet.store(true, ordering: .relaxed)
                lastRow.withLock { $0 = rows.upperBound }
            }
        }
        // It has more than the stretch that a thread takes at a time.
        #expect(lastRow.withLock { $0 } < model.description.vocabularyCount)
        guard case .cancelled = error else {
            Issue.record("\(error)")
            return
        }
    }

    @Test("A weight that is no number is named, in whichever piece it lies")
    func notFinite() throws {
        var contents = TinyModel(seed: 3).contents()
        let name = "blk.1.attn_norm.weight"
        var tensor = try #require(contents[name])
        tensor.bytes.replaceSubrange(8..<12, with: [0, 0, 0xc0, 0x7f])
        contents[name] = tensor
        let model = try contents.modelFile()
        let reader = WeightReader(model: model, threadCount: 2)
        let error = try #require(throws: ModelError.self) {
            try reader.read(model.stored(.layer(1, .attentionNorm))) { _, _ in }
        }
        guard case .notFinite(name, _, _) = error else {
            Issue.record("\(error)")
            return
        }
    }

    private final class Flag: Sendable {
        let isSet = Atomic(false)
    }

    private func equal(_ a: RawSpan, _ b: RawSpan) -> Bool {
        a.byteCount == b.byteCount
            && (0..<a.byteCount).allSatisfy {
                unsafe a.unsafeLoad(fromByteOffset: $0, as: UInt8.self)
                    == b.unsafeLoad(fromByteOffset: $0, as: UInt8.self)
            }
    }
}
