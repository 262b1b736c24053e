import ClusterTesting
import Foundation
import GGUF
import Tensors

/// A model of gigabytes that occupies next to none on disk: its experts are holes.
///
/// Hashing it takes seconds on any machine, which no other small fixture does.
enum SparseModel {
    private static let alignment = 32
    private static let expertCount = 128
    private static let expertWidth = 4096

    /// Writes a file of about 14 GB.
    static func write() throws -> TemporaryFile {
        var recipe = TinyModel()
        recipe.hiddenSize = 512
        recipe.layerCount = 16
        recipe.expertCount = 2
        var contents = recipe.contents()
        contents.metadata["qwen3moe.expert_count"] = .uint32(UInt32(expertCount))
        contents.metadata["qwen3moe.expert_feed_forward_length"] = .uint32(UInt32(expertWidth))
        // The last key ends in a byte that is not 0, so that padding is told from it.
        contents.metadata["zz.end"] = .text("end")
        let file = try TemporaryFile("sparse.gguf")
        var header = try header(contents.metadata)
        let tensors = contents.tensors.map { Placed($0, hiddenSize: recipe.hiddenSize) }
        header.replaceSubrange(8..<16, with: bytes(UInt64(tensors.count)))
        var offsets: [Int] = []
        var size = 0
        for tensor in tensors {
            offsets.append(size)
            header += tensor.tableEntry(offset: size)
            size += roundUp(tensor.byteCount)
        }
        let start = roundUp(header.count)
        try Data(header).write(to: URL(filePath: file.path))
        let handle = try FileHandle(forWritingTo: URL(filePath: file.path))
        try handle.truncate(atOffset: UInt64(start + size))
        for (tensor, offset) in zip(tensors, offsets) where !tensor.isHole {
            try handle.seek(toOffset: UInt64(start + offset))
            try handle.write(contentsOf: Data(tensor.bytes))
        }
        try handle.close()
        return file
    }

    /// The header of a file without tensors, up to where their table begins.
    private static func header(_ metadata: GGUFMetadata) throws -> [UInt8] {
        let file = try TemporaryFile("header.gguf")
        try GGUFWriter(metadata: metadata).write(to: file.path)
        let bytes = Array(try Data(contentsOf: URL(filePath: file.path)))
        return Array(bytes[...(bytes.lastIndex { $0 != 0 } ?? 0)])
    }

    /// A tensor as the file has it: experts grown to full size and left out, others whole.
    private struct Placed {
        let name: String
        let type: ElementType
        let dimensions: [Int]
        let bytes: [UInt8]
        let isHole: Bool

        init(_ tensor: TinyModelContents.Tensor, hiddenSize: Int) {
            name = tensor.name
            type = tensor.type
            isHole = name.contains("_exps") || name.contains("gate_inp")
            bytes = isHole ? [] : tensor.bytes
            dimensions =
                if name.contains("down_exps") {
                    [expertWidth, hiddenSize, expertCount]
                } else if name.contains("_exps") {
                    [hiddenSize, expertWidth, expertCount]
                } else if name.contains("gate_inp") {
                    [hiddenSize, expertCount]
                } else {
                    tensor.dimensions
                }
        }

        var byteCount: Int {
            guard isHole else { return bytes.count }
            let rows = dimensions.dropFirst().reduce(1, *)
            return rows * (type.rowByteCount(columns: dimensions[0]) ?? 0)
        }

        func tableEntry(offset: Int) -> [UInt8] {
            var entry = SparseModel.bytes(UInt64(name.utf8.count)) + Array(name.utf8)
            entry += SparseModel.bytes(UInt32(dimensions.count))
            for dimension in dimensions { entry += SparseModel.bytes(UInt64(dimension)) }
            return entry + SparseModel.bytes(type.rawValue) + SparseModel.bytes(UInt64(offset))
        }
    }

    private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
        (0..<number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }

    private static func roundUp(_ count: Int) -> Int {
        (count + alignment - 1) / alignment * alignment
    }
}
