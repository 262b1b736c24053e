import Foundation
import Tensors
import Testing

@Suite("Element types")
struct ElementTypeTests {
    struct Expected: Decodable {
        let number: UInt32
        let values: Int
        let bytes: Int
    }

    @Test("Numbers, names and block sizes are those of PyPI gguf")
    func sizes() throws {
        let url = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/element_types.json")
        let expected = try JSONDecoder()
            .decode([String: Expected].self, from: Data(contentsOf: url))
        #expect(Set(ElementType.allCases.map(\.name)) == Set(expected.keys))
        for type in ElementType.allCases {
            let other = try #require(expected[type.name])
            #expect(type.rawValue == other.number)
            #expect(type.blockLength == other.values)
            // There Q8_1 still has f32 sums, which llama.cpp made f16; no file stores this type.
            #expect(type == .q8_1 || type.blockByteCount == other.bytes, "\(type)")
        }
    }

    @Test("A row has a size only where it is a whole number of blocks and the size fits")
    func rows() {
        #expect(ElementType.q4_0.rowByteCount(columns: 64) == 36)
        #expect(ElementType.q4_0.rowByteCount(columns: 0) == 0)
        #expect(ElementType.q4_0.rowByteCount(columns: 63) == nil)
        #expect(ElementType.q4_0.rowByteCount(columns: -32) == nil)
        #expect(ElementType.f64.rowByteCount(columns: .max) == nil)
    }
}
