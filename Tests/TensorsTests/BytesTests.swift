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

    @Test("A filling that fails frees the memory once")
    func failure() {
        for _ in 0..<100 {
            #expect(throws: Refusal.self) {
                _ = try Bytes(count: 4096) { _ throws(Refusal) in throw Refusal() }
            }
        }
    }
}
