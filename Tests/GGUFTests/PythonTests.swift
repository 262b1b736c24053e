import Foundation
import GGUF
import Tensors
import Testing

/// Our files as PyPI `gguf` reads them, and its files as we do.
///
/// `Tests/Scripts/make_gguf_fixtures.py` made the expectations.
@Suite("Agreement with PyPI gguf")
struct PythonTests {
    static let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Fixtures")

    struct Expected: Decodable {
        struct Tensor: Decodable, Equatable {
            let name: String
            let type: String
            let dimensions: [Int]
            let fileOffset: Int
            let bytes: [UInt8]
        }

        /// Type (with the element type of an array) and value as text, by key.
        let metadata: [String: [String]]
        let tensors: [Tensor]
    }

    @Test("Our writer still writes the file that Python read")
    func writer() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("written.gguf")
        try Sample.writer.write(to: path)
        let committed = Self.fixtures.appending(path: "written.gguf")
        // Set once after a change on purpose; then run the script and read the difference.
        if ProcessInfo.processInfo.environment["MOIETY_UPDATE_FIXTURES"] != nil {
            try Data(contentsOf: URL(filePath: path)).write(to: committed)
        }
        #expect(try Data(contentsOf: URL(filePath: path)) == Data(contentsOf: committed))
    }

    @Test("We and Python read the same", arguments: ["written", "python"])
    func reader(name: String) throws {
        let json = try Data(contentsOf: Self.fixtures.appending(path: "\(name).json"))
        let expected = try JSONDecoder().decode(Expected.self, from: json)
        let file = try GGUFFile.open(path: Self.fixtures.appending(path: "\(name).gguf").path)
        let metadata = file.metadata.entries.map { ($0.key, describe($0.value)) }
        #expect(Dictionary(metadata) { first, _ in first } == expected.metadata)
        let tensors = try file.tensors.map { tensor in
            Expected.Tensor(
                name: tensor.name,
                type: tensor.type.name,
                dimensions: tensor.dimensions,
                fileOffset: tensor.fileOffset,
                bytes: try file.read(tensor).array
            )
        }
        #expect(tensors == expected.tensors)
    }

    /// Type and value, written as the script writes them: floats by their bits.
    private func describe(_ value: GGUFValue) -> [String] {
        switch value {
        case .uint8(let value): ["uint8", "\(value)"]
        case .int8(let value): ["int8", "\(value)"]
        case .uint16(let value): ["uint16", "\(value)"]
        case .int16(let value): ["int16", "\(value)"]
        case .uint32(let value): ["uint32", "\(value)"]
        case .int32(let value): ["int32", "\(value)"]
        case .uint64(let value): ["uint64", "\(value)"]
        case .int64(let value): ["int64", "\(value)"]
        case .float32(let value): ["float32", "\(value.bitPattern)"]
        case .float64(let value): ["float64", "\(value.bitPattern)"]
        case .bool(let value): ["bool", "\(value)"]
        case .string(let value): ["string", String(decoding: value, as: UTF8.self)]
        case .array(let array): describe(array)
        }
    }

    private func describe(_ array: GGUFArray) -> [String] {
        let values: [String] =
            switch array {
            case .uint8(let values): values.map { "\($0)" }
            case .int8(let values): values.map { "\($0)" }
            case .uint16(let values): values.map { "\($0)" }
            case .int16(let values): values.map { "\($0)" }
            case .uint32(let values): values.map { "\($0)" }
            case .int32(let values): values.map { "\($0)" }
            case .uint64(let values): values.map { "\($0)" }
            case .int64(let values): values.map { "\($0)" }
            case .float32(let values): values.map { "\($0.bitPattern)" }
            case .float64(let values): values.map { "\($0.bitPattern)" }
            case .bool(let values): values.map { "\($0)" }
            case .strings(let values): values.map { String(decoding: $0, as: UTF8.self) }
            }
        return ["[\(array.elementType)]"] + values
    }
}
