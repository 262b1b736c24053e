import Tensors
import Testing

@Suite("Bytes")
struct BytesTests {
    struct Refusal: Error {}

    @Test("Memory starts as zeros and keeps what was written")
    func fill() {
        let bytes = Bytes(count: 5) { span in
            span.storeBytes(of: 7, toByteOffset: 3, as: UInt8.self)
        }
        #expect(bytes.array == [0, 0, 0, 7, 0])
        #expect(Bytes(count: 0) { _ in }.array == [])
    }

    @Test("Large pieces start as zeros too, whatever was freed before them")
    func largePieces() {
        for count in [1 << 16, 100_001, 3 << 20, 20 << 20, (64 << 20) + 5] {
            for _ in 0..<3 {
                let bytes = Bytes(count: count) { span in
                    #expect(span.byteCount == count)
                    let startsAsZeros = isZero(span.bytes)
                    #expect(startsAsZeros)
                    for place in stride(from: 0, to: count, by: 1000) {
                        span.storeBytes(of: 7, toByteOffset: place, as: UInt8.self)
                    }
                    span.storeBytes(of: 7, toByteOffset: count - 1, as: UInt8.self)
                }
                #expect(bytes.array.last == 7)
            }
        }
    }

    @Test("Pieces that share a region do not touch each other")
    func neighbours() {
        var pieces = (1...40).map { number in
            Bytes(count: 70_000 * (number % 7 + 1)) { span in
                for place in 0..<span.byteCount {
                    span.storeBytes(of: UInt8(number), toByteOffset: place, as: UInt8.self)
                }
            }
        }
        // What is freed between them takes nothing with it.
        for place in stride(from: 38, through: 0, by: -2) { pieces.remove(at: place) }
        for (place, piece) in pieces.enumerated() {
            let number = UInt8(2 * place + 2)
            #expect(piece.count == 70_000 * (Int(number) % 7 + 1))
            #expect(piece.array.allSatisfy { $0 == number })
        }
    }

    @Test("More memory than there can be is a shortage, not an end")
    func shortage() {
        for count in [1 << 57, 1 << 60, Int.max] {
            #expect(throws: MemoryShortage.self) {
                _ = try Bytes(count: count, shortage: { $0 }) { _ throws(MemoryShortage) in }
            }
        }
    }

    private func isZero(_ span: RawSpan) -> Bool {
        (0..<span.byteCount).allSatisfy {
            unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) == 0
        }
    }

    @Test("A filling that fails frees the memory once")
    func failure() {
        for _ in 0..<100 {
            #expect(throws: Refusal.self) {
                _ = try Bytes(count: 4096) { _ throws(Refusal) in throw Refusal() }
            }
        }
    }
}
