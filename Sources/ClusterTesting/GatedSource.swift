public import Dispatch
public import ExpertStore
public import Model
public import Tensors

/// A disk whose blocks come once it is open.
public final class GatedSource: SlotSource {
    private let source: any SlotSource
    /// Told of every block that is asked for.
    public let entered = DispatchSemaphore(value: 0)
    private let gate = DispatchSemaphore(value: 0)

    /// - Parameter source: what is on it.
    public init(_ source: any SlotSource) { self.source = source }

    public func open() { gate.signal() }

    public func blockCount(of expert: ExpertID) -> Int { source.blockCount(of: expert) }

    public func read(
        _ block: Int,
        of expert: ExpertID,
        into memory: SlotMemory,
        slot: Int
    ) throws(StoreError) -> UInt64 {
        entered.signal()
        gate.wait()
        gate.signal()
        return try source.read(block, of: expert, into: memory, slot: slot)
    }

    public func check(_ sum: UInt64, of expert: ExpertID) throws(StoreError) {
        try source.check(sum, of: expert)
    }
}
