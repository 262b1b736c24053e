public import Model
public import Tensors

/// Where experts come from, block by block, into slots; asked from several threads at once.
public protocol SlotSource: Sendable {
    /// Blocks of an expert, at least one.
    func blockCount(of expert: ExpertID) -> Int

    /// Puts a block of an expert where it belongs in its slot.
    ///
    /// - Returns: what the block adds to the expert's checksum.
    func read(
        _ block: Int,
        of expert: ExpertID,
        into memory: SlotMemory,
        slot: Int
    ) throws(StoreError) -> UInt64

    /// Refuses an expert whose blocks' checksums do not add up to what they should.
    func check(_ sum: UInt64, of expert: ExpertID) throws(StoreError)
}
