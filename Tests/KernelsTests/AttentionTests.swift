import Kernels
import Testing

@Suite("Attention")
struct AttentionTests {
    /// Heads, key and value heads, their widths: groups and widths even and odd.
    private static let shapes = [
        (4, 2, 16, 16), (3, 1, 40, 24), (2, 2, 7, 70), (7, 1, 80, 80), (8, 1, 128, 128),
        (5, 5, 33, 16), (12, 1, 64, 96), (4, 2, 192, 128), (16, 2, 256, 256),
    ].map { heads, keyValueHeads, keyWidth, valueWidth in
        AttentionShape(
            heads: heads,
            keyValueHeads: keyValueHeads,
            keyHeadWidth: keyWidth,
            valueHeadWidth: valueWidth,
            scale: 1 / Float(keyWidth).squareRoot()
        )
    }

    @Test(
        "Every table gives the scalar table's bits, near a reference in double",
        arguments: shapes,
        CacheFormat.allCases
    )
    func tablesAgree(shape: AttentionShape, format: CacheFormat) throws {
        let sequence = AttentionSequence(shape, length: 530, seed: 41)
        let expected = try sequence.outputs(kernels(.scalar), chunk: 530, format: format)
        for set in fasterSets {
            let found = try sequence.outputs(kernels(set), chunk: 530, format: format)
            #expect(same(found, expected), "\(set)")
        }
        // Rounding values up to 2 to int8 is wrong by 2 / 254 at most.
        let tolerance = format == .f16 ? 1e-5 : 0.03
        let width = shape.valueHeadWidth
        for position in [0, 1, 15, 255, 256, 511, 512, 529] {
            for head in 0..<shape.heads {
                let start = (position * shape.heads + head) * width
                let reference =
                    format == .f16
                    ? sequence.reference(position: position, head: head)
                    : sequence.reference(position: position, head: head) { Double($0) }
                let close = zip(expected[start..<start + width], reference).allSatisfy {
                    abs(Double($0) - $1) < tolerance
                }
                #expect(close, "position \(position), head \(head)")
            }
        }
    }

    @Test(
        "Chunks of any size and any number of threads give the same bits",
        arguments: shapes,
        CacheFormat.allCases
    )
    func chunksAgree(shape: AttentionShape, format: CacheFormat) throws {
        let sequence = AttentionSequence(shape, length: 300, seed: 42)
        let whole = try sequence.outputs(kernels(.detected), chunk: 300, format: format)
        for (chunk, threads) in [(1, 3), (7, 2), (64, 1), (255, 3), (256, 5), (257, 3)] {
            let kernels = kernels(.detected, threads: threads)
            let found = try sequence.outputs(kernels, chunk: chunk, format: format)
            #expect(same(found, whole), "chunks of \(chunk), \(threads) threads")
        }
    }

    @Test("A long context split over threads gives the bits of one thread", arguments: [1, 2, 8])
    func splitsAgree(group: Int) throws {
        let shape = AttentionShape(
            heads: group,
            keyValueHeads: 1,
            keyHeadWidth: 16,
            valueHeadWidth: 16,
            scale: 0.25
        )
        let sequence = AttentionSequence(shape, length: 4000, seed: 46)
        let alone = try sequence.outputs(kernels(.detected), chunk: 500)
        for threads in [2, 3, 16] {
            let kernels = kernels(.detected, threads: threads)
            let cache = try sequence.cache()
            _ = try attend(kernels, [(sequence, 0..<3600, cache)])
            for positions in [3600..<3601, 3601..<3603, 3603..<3619, 3619..<4000] {
                let found = try attend(kernels, [(sequence, positions, cache)])
                let expected = rows(alone, positions, width: group * 16)
                #expect(same(found, expected), "\(positions), \(threads) threads")
            }
        }
    }

    @Test("Rows of several sequences in one batch do not see each other")
    func sequencesAreApart() throws {
        let kernels = kernels(.detected, threads: 2)
        let shape = Self.shapes[1]
        // One pool, so that pages of the sequences lie among each other.
        let pool = PagePool(layout: CacheLayout(heads: shape, layerCount: 2), pageLimit: 20)
        let sequences = [20, 700, 21, 300].enumerated().map { index, length in
            AttentionSequence(shape, length: length, seed: 43 + UInt64(index))
        }
        let caches = try sequences.map { try KeyValueCache(pool: pool, capacity: $0.length) }
        for start in stride(from: 0, to: 700, by: 90) {
            let parts = zip(sequences, caches).filter { start < $0.0.length - 3 }.map {
                ($0, start..<min(start + 90, $0.length - 3), $1)
            }
            _ = try attend(kernels, parts)
        }
        let together = try attend(
            kernels,
            zip(sequences, caches).map { ($0, $0.length - 3..<$0.length, $1) }
        )
        let alone = try sequences.flatMap { sequence in
            try sequence.outputs(kernels, chunk: sequence.length).suffix(3 * 72)
        }
        #expect(same(together, alone))
    }

    @Test("What follows a row's position does not reach it, be it infinite or no number")
    func noRowSeesTheNext() throws {
        let shape = Self.shapes[0]
        let good = AttentionSequence(shape, length: 40, seed: 47)
        let expected = try good.outputs(kernels(.detected), chunk: 40)
        for set in InstructionSet.supported {
            let cache = try good.cache()
            _ = try attend(kernels(set), [(good, 0..<36, cache)])
            let bad = AttentionSequence(good, valuesFrom: 38, are: .infinity)
            let found = try attend(kernels(set), [(bad, 36..<40, cache)])
            let width = shape.heads * shape.valueHeadWidth
            #expect(same(rows(found, 0..<2, width: width), rows(expected, 36..<38, width: width)))
            #expect(!found.suffix(2 * width).contains { $0.isFinite })
        }
    }

    @Test("A truncated cache takes other positions in place of the forgotten ones")
    func truncation() throws {
        let kernels = kernels(.detected)
        let (first, second) = (
            AttentionSequence(Self.shapes[0], length: 90, seed: 44),
            AttentionSequence(Self.shapes[0], length: 90, seed: 45)
        )
        let cache = try first.cache()
        _ = try attend(kernels, [(first, 0..<90, cache)])
        cache.truncate(to: 0)
        #expect(cache.positionCount == 0)
        let found = try attend(kernels, [(second, 0..<90, cache)])
        #expect(try same(found, second.outputs(kernels, chunk: 90)))
    }

    @Test("A position beyond the next one is refused")
    func gaps() async {
        await #expect(processExitsWith: .failure) {
            let shape = AttentionShape(
                heads: 1,
                keyValueHeads: 1,
                keyHeadWidth: 2,
                valueHeadWidth: 2,
                scale: 1
            )
            let layout = CacheLayout(heads: shape, layerCount: 1)
            let cache = try KeyValueCache(
                pool: PagePool(layout: layout, pageLimit: 1),
                capacity: 10
            )
            try cache.makeRoom(for: 10)
            var work = AttentionWork(shape)
            work.append(cache, position: 1)
        }
    }
}
