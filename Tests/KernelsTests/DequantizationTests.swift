import Foundation
import Kernels
import Tensors
import Testing

/// Blocks and their values as the format's Python package gives them.
private struct Sample {
    let type: ElementType
    let bytes: [UInt8]
    let values: [Float]

    /// Reads `Fixtures/dequantisation.bin`, made by `Tests/Scripts/make_dequant_fixtures.py`.
    static func all() throws -> [Sample] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let data = try Data(contentsOf: folder.appending(path: "Fixtures/dequantisation.bin"))
        var rest = [UInt8](data)[...]
        var samples: [Sample] = []
        while !rest.isEmpty {
            let header = (0..<3).map { _ in word(&rest) }
            let type = try #require(ElementType(rawValue: header[0]))
            let bytes = Array(rest.prefix(Int(header[2])))
            rest = rest.dropFirst(bytes.count)
            let values = (0..<header[1]).map { _ in Float(bitPattern: word(&rest)) }
            samples.append(Sample(type: type, bytes: bytes, values: values))
        }
        return samples
    }

    private static func word(_ rest: inout ArraySlice<UInt8>) -> UInt32 {
        defer { rest = rest.dropFirst(4) }
        return rest.prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}

@Suite("Dequantisation")
struct DequantizationTests {
    @Test("Every type's blocks become the values of the format's own Python package, bit for bit")
    func equalsReference() throws {
        let samples = try Sample.all()
        #expect(Set(samples.map(\.type)) == Set(integerTypes + floatTypes))
        for set in InstructionSet.supported {
            let kernels = kernels(set)
            for sample in samples {
                let shape = MatrixShape(
                    type: sample.type,
                    rowCount: 1,
                    columnCount: sample.values.count
                )
                let matrix = WeightMatrix(shape, bytes: Bytes(sample.bytes))
                var values: [Float] = []
                kernels.dequantize(matrix, row: 0, into: &values)
                #expect(
                    values.map(\.bitPattern) == sample.values.map(\.bitPattern),
                    "\(sample.type.name) by \(set.name)"
                )
            }
        }
    }

    @Test("Chosen rows of a matrix come in the order asked for")
    func gathersRows() {
        var random = Random(seed: 1)
        let kernels = kernels(.detected)
        let matrix = randomWeights(.q4_K, rows: 5, columns: 512, using: &random)
        var gathered: [Float] = []
        kernels.dequantize(matrix, rows: [4, 0, 4], into: &gathered)
        var expected: [Float] = []
        var row: [Float] = []
        for index in [4, 0, 4] {
            kernels.dequantize(matrix, row: index, into: &row)
            expected += row
        }
        #expect(gathered == expected)
    }

    @Test("The types with products are those that can be dequantised, and no others")
    func supportedTypes() {
        let supported = ElementType.allCases.filter(Kernels.supports)
        #expect(Set(supported) == Set(integerTypes + floatTypes))
    }
}
