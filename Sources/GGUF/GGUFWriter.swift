public import Tensors

/// Writes a model file of version 3.
///
/// Tensors are written in the order they were added, each drawn from its source only when its
/// turn comes, so a model larger than memory can be written. The file appears under its name when
/// it is complete, or not at all.
public struct GGUFWriter {
    /// Delivers all bytes of one tensor, in order, in as many pieces as it likes.
    public typealias Source = (inout GGUFSink) throws(GGUFError) -> Void

    /// What the file will say; `general.alignment`, where given, is obeyed.
    public var metadata: GGUFMetadata
    private var tensors: [Tensor] = []

    struct Tensor {
        let name: String
        let type: ElementType
        let dimensions: [Int]
        let source: Source
    }

    /// Starts from no metadata, or from that of another file.
    public init(metadata: GGUFMetadata = GGUFMetadata(path: "")) {
        self.metadata = metadata
    }

    /// Adds a tensor; its shape is checked by `write`.
    public mutating func add(
        _ name: String,
        type: ElementType,
        dimensions: [Int],
        source: @escaping Source
    ) {
        tensors.append(Tensor(name: name, type: type, dimensions: dimensions, source: source))
    }

    /// Adds a tensor whose data is at hand.
    public mutating func add(
        _ name: String,
        type: ElementType,
        dimensions: [Int],
        bytes: [UInt8]
    ) {
        add(name, type: type, dimensions: dimensions) { sink throws(GGUFError) in
            try sink.append(bytes)
        }
    }

    /// Adds a tensor of f32.
    public mutating func add(_ name: String, dimensions: [Int], values: [Float]) {
        add(name, type: .f32, dimensions: dimensions) { sink throws(GGUFError) in
            try sink.append(values)
        }
    }

    /// Writes the file, replacing one of that name.
    public func write(to path: String) throws(GGUFError) {
        let plan = try WritePlan(path: path, metadata: metadata, tensors: tensors)
        let output = try Output(path: path)
        try output.append(plan.header)
        for (tensor, byteCount) in zip(tensors, plan.byteCounts) {
            try output.pad(to: plan.alignment)
            var sink = GGUFSink(output: output, tensor: tensor.name, byteCount: byteCount)
            try tensor.source(&sink)
            try sink.finish()
        }
        // Other readers expect the last tensor to be padded too.
        try output.pad(to: plan.alignment)
        try output.commit()
    }
}
