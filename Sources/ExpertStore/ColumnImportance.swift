import GGUF
public import Model
import Tensors

/// How much the columns of experts' matrices matter: how large what they were multiplied with was,
/// on recorded texts.
///
/// What a weight adds to an output, and what rounding it adds, is multiplied with the activation of
/// its column.
///
/// The file is GGUF. For the tensor `NAME` that a layer's experts have in the model's file it has
/// two of f32: `NAME.in_sum2`, `[columns, experts]`, sums of squares over the rows that came to an
/// expert; and `NAME.counts`, `[1, experts]`, how many these were. It is read expert by expert, and
/// nothing of it stays in memory.
public struct ColumnImportance: Sendable {
    let file: GGUFFile
    /// `[layer][matrix]`, nil where the file says nothing.
    private let sums: [[TensorInfo?]]

    public static func sumsName(_ name: WeightName) -> String { "\(name).in_sum2" }
    public static func countsName(_ name: WeightName) -> String { "\(name).counts" }
    /// Gate, up and down, as experts have them.
    public static let roles: [LayerRole] = [.expertGates, .expertUps, .expertDowns]

    /// - Throws: `file`, `unsupportedType`, `wrongShape` where it was recorded with other experts,
    ///   and `differs` where it says nothing about any of them.
    public init(path: String, for layout: ExpertLayout) throws(ModelError) {
        do throws(GGUFError) {
            file = try GGUFFile.open(path: path)
        } catch {
            throw .file(error)
        }
        var sums: [[TensorInfo?]] = []
        for (index, count) in layout.expertCounts.enumerated() {
            let first = ExpertID(layer: LayerIndex(index), index: 0)
            let shapes = layout.storedShapes(of: first) ?? []
            var found: [TensorInfo?] = []
            for (role, shape) in zip(Self.roles, shapes) {
                let tensor = file.tensor(Self.sumsName(.layer(index, role)))
                if let tensor { try Self.check(tensor, shape.columnCount, count) }
                found.append(tensor)
            }
            sums.append(found)
        }
        guard sums.joined().contains(where: { $0 != nil }) else {
            throw .differs("\(path) says nothing of this model's experts ('in_sum2')")
        }
        self.sums = sums
    }

    /// Whether the file is still the one that was opened.
    public var isUnchanged: Bool { file.isUnchanged }

    private static func check(
        _ tensor: TensorInfo,
        _ columns: Int,
        _ experts: Int
    ) throws(ModelError) {
        guard tensor.type == .f32 else {
            throw .unsupportedType(
                tensor: tensor.name,
                type: tensor.type.name,
                known: [ElementType.f32.name]
            )
        }
        let size = MemoryLayout<Float>.size
        guard tensor.dimensions.first == columns,
            tensor.byteCount == columns * experts * size
        else {
            throw .wrongShape(
                tensor: tensor.name,
                found: tensor.dimensions,
                expected: "[\(columns), \(experts)]"
            )
        }
    }

    /// How large the numbers are that the columns of an expert's matrix are multiplied with, each
    /// by the largest, 0 to 1: roots of the means of their squares; nil where nothing is known.
    ///
    /// - Parameter matrix: 0 for gate, 1 for up, 2 for down.
    /// - Throws: `file`, `notFinite`, and `unsupported` for a negative one.
    func inputs(_ id: ExpertID, _ matrix: Int) throws(ModelError) -> [Float]? {
        guard sums.indices.contains(id.layer.rawValue),
            sums[id.layer.rawValue].indices.contains(matrix),
            let tensor = sums[id.layer.rawValue][matrix], let count = tensor.dimensions.first
        else { return nil }
        let size = MemoryLayout<Float>.size
        let start = id.index * count * size
        let bytes: [UInt8]
        do throws(GGUFError) {
            bytes = try file.bytes(of: tensor, from: start, count: count * size)
        } catch {
            throw .file(error)
        }
        let values = stride(from: 0, to: bytes.count, by: size).map { place in
            let bits = bytes[place..<place + size].reversed().reduce(UInt32(0)) {
                $0 << 8 | UInt32($1)
            }
            return Float(bitPattern: bits)
        }
        if let bad = values.firstIndex(where: { !$0.isFinite }) {
            let offset = tensor.fileOffset + start + bad * size
            throw .notFinite(tensor: tensor.name, fileOffset: offset, path: file.path)
        }
        guard values.allSatisfy({ $0 >= 0 }) else {
            throw .unsupported("a negative sum of squares in tensor '\(tensor.name)'")
        }
        // Without one nothing came to this expert.
        guard let largest = values.max(), largest > 0 else { return nil }
        return values.map { ($0 / largest).squareRoot() }
    }
}
