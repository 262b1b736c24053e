public import GGUF
import Kernels
import Tensors

/// The same model with every tensor widened to F32.
///
/// What it computes differs from the original by the rounding of activations alone.
public enum FloatTwin {
    /// Rows that are widened at once.
    private static let chunk = 256

    /// Writes the twin of the model file at `source` to `target`.
    public static func write(of source: String, to target: String) throws(GGUFError) {
        let file = try GGUFFile.open(path: source)
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        var writer = GGUFWriter(metadata: file.metadata)
        writer.metadata["general.file_type"] = .uint32(0)
        for tensor in file.tensors {
            writer.add(tensor.name, type: .f32, dimensions: tensor.dimensions) {
                sink throws(GGUFError) in
                try append(tensor, of: file, to: &sink, kernels: kernels)
            }
        }
        try writer.write(to: target)
    }

    private static func append(
        _ tensor: TensorInfo,
        of file: GGUFFile,
        to sink: inout GGUFSink,
        kernels: Kernels
    ) throws(GGUFError) {
        let shape = MatrixShape(
            type: tensor.type,
            rowCount: tensor.dimensions.dropFirst().reduce(1, *),
            columnCount: tensor.dimensions[0]
        )
        let matrix = WeightMatrix(shape, bytes: try file.read(tensor))
        var values: [Float] = []
        for start in stride(from: 0, to: matrix.rowCount, by: chunk) {
            let rows = Array(start..<min(start + chunk, matrix.rowCount))
            kernels.dequantize(matrix, rows: rows, into: &values)
            try sink.append(values)
        }
    }
}
