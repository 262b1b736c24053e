public import ExpertStore
import GGUF
public import Model
public import Tensors

/// Experts from the model file, packed while they are read: several times slower than from a store.
public struct ModelSlots: SlotSource {
    private let model: ModelFile
    private let layout: StoreLayout
    /// Nil for experts as they are in the file.
    private let lowering: ExpertLowering?
    private let importance: ColumnImportance?

    /// - Parameters:
    ///   - layout: of the tier's experts.
    ///   - tier: nil for the high one.
    ///   - importance: by which the tier is rounded.
    public init(
        model: ModelFile,
        layout: StoreLayout,
        tier: LowTier? = nil,
        importance: ColumnImportance? = nil
    ) {
        self.model = model
        self.layout = layout
        self.importance = importance
        lowering = tier.map { ExpertLowering(model.layout, to: $0, importance: importance) }
    }

    public func blockCount(of expert: ExpertID) -> Int { 1 }

    public func read(
        _ block: Int,
        of expert: ExpertID,
        into memory: SlotMemory,
        slot: Int
    ) throws(StoreError) -> UInt64 {
        guard let extent = layout.extent(of: expert) else {
            throw .model(.unknownExpert(expert, path: model.path))
        }
        try memory.write(0..<extent.count, of: slot) { span throws(StoreError) in
            try pack(expert, into: &span)
        }
        return 0
    }

    /// Nothing was summed: it is right if the file is still the one that was opened.
    public func check(_ sum: UInt64, of expert: ExpertID) throws(StoreError) {
        try requireUnchanged()
    }

    /// - Throws: `differs` where somebody has written to the model or the importance meanwhile.
    func requireUnchanged() throws(StoreError) {
        guard model.file.isUnchanged, importance?.isUnchanged ?? true else {
            throw .model(.differs("\(model.path) was changed while its experts were read"))
        }
    }

    /// Puts an expert into its extent.
    func pack(_ expert: ExpertID, into extent: inout MutableRawSpan) throws(StoreError) {
        do throws(ModelError) {
            let stored = try model.open(expert, digest: nil)
            try layout.fill(&extent, of: expert) { writer throws(ModelError) in
                if let lowering {
                    return try lowering.write(expert, of: stored, path: model.path, to: writer)
                }
                try ExpertLoader.write(
                    ExpertSlice(expert),
                    of: stored,
                    layout: model.layout,
                    expecting: nil,
                    path: model.path,
                    writer
                )
            }
        } catch {
            throw .model(error)
        }
    }
}
