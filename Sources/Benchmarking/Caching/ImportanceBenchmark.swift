import ExpertStore
import Experts
public import GGUF
public import Inference
public import Kernels
public import Model
import Tensors

/// Records on texts how much the columns of experts' matrices matter, for rounding them to few
/// bits.
public struct ImportanceBenchmark {
    private let loaded: LoadedModel
    private let recorder: ImportanceRecorder
    private let windowLength: Int
    private var windowCount = 0

    /// - Parameter windowLength: tokens of a window, for the file to tell.
    public init(
        _ file: ModelFile,
        kernels: Kernels,
        windowLength: Int,
        progress: @Sendable (Double) -> Void = { _ in }
    ) throws(ModelError) {
        let expertCounts = file.description.expertCounts
        self.windowLength = windowLength
        (loaded, recorder) = try LoadedModel.watched(file, kernels: kernels, progress: progress) {
            ImportanceRecorder(
                LocalRunner(held: $0, kernels: kernels),
                held: $0,
                expertCounts: expertCounts,
                kernels: kernels
            )
        }
    }

    /// Computes a window of a text, by itself.
    public mutating func record(_ window: [Int32]) throws(ForwardError) {
        try loaded.compute(window)
        windowCount += 1
    }

    /// Experts that no row came to: of these nothing is known.
    public var unseenCount: Int { recorder.records.joined().count { $0.rowCount == 0 } }
    public var expertCount: Int { recorder.records.joined().count }

    /// Writes what was recorded, as `ColumnImportance` reads it.
    public func write(to path: String) throws(GGUFError) {
        var metadata = GGUFMetadata(path: path)
        metadata["general.type"] = .text("imatrix")
        metadata["imatrix.chunk_count"] = .uint32(UInt32(clamping: windowCount))
        metadata["imatrix.chunk_size"] = .uint32(UInt32(clamping: windowLength))
        var writer = GGUFWriter(metadata: metadata)
        let layout = loaded.file.layout
        for (layer, records) in recorder.records.enumerated() where !records.isEmpty {
            let first = ExpertID(layer: LayerIndex(layer), index: 0)
            let shapes = layout.storedShapes(of: first) ?? []
            for (role, shape) in zip(ColumnImportance.roles, shapes) {
                let width = shape.columnCount
                let sums = records.flatMap { record -> [Float] in
                    let sums = role == .expertDowns ? record.inners : record.inputs
                    return sums.isEmpty ? Array(repeating: 0, count: width) : sums.map(Float.init)
                }
                let name = WeightName.layer(layer, role)
                writer.add(
                    ColumnImportance.sumsName(name),
                    dimensions: [width, records.count],
                    values: sums
                )
                writer.add(
                    ColumnImportance.countsName(name),
                    dimensions: [1, records.count],
                    values: records.map { Float($0.rowCount) }
                )
            }
        }
        try writer.write(to: path)
    }
}
