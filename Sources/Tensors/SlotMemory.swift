/// Equal pieces of memory, allocated once and written again and again.
///
/// Every slot starts at a page, so that disks can write into it directly. Memory is taken from the
/// system when a slot is first written.
///
/// What lies in a slot belongs to who was given it, until he gives it back.
public final class SlotMemory: Sendable {
    public let slotCount: Int
    /// A multiple of a page.
    public let slotByteCount: Int
    private let piece: PageArena.Piece
    private let slots: [Bytes]

    /// - Precondition: a slot is a whole number of pages.
    public init(slotCount: Int, slotByteCount: Int) throws(MemoryShortage) {
        precondition(slotByteCount > 0 && slotByteCount % Bytes.alignment == 0)
        let (total, overflows) = slotCount.multipliedReportingOverflow(by: slotByteCount)
        guard !overflows else { throw MemoryShortage(needed: .max, available: 0) }
        try MemoryBudget.check(total)
        guard let piece = PageArena.shared.take(total) else {
            throw MemoryShortage(needed: total, available: 0)
        }
        self.slotCount = slotCount
        self.slotByteCount = slotByteCount
        self.piece = piece
        slots = (0..<slotCount).map { slot in
            Bytes(slot * slotByteCount..<(slot + 1) * slotByteCount, of: piece)
        }
    }

    /// A slot's memory, to be read while nobody writes it.
    public subscript(slot: Int) -> Bytes { slots[slot] }

    /// Gives a slot's memory back to the system until it is written again.
    ///
    /// - Precondition: nobody reads or writes the slot.
    public func giveBack(_ slot: Int) {
        precondition(slot >= 0 && slot < slotCount)
        piece.giveBack(slot * slotByteCount..<(slot + 1) * slotByteCount)
    }

    /// Lends a part of a slot for writing, to one caller at a time and while nobody reads it.
    ///
    /// - Precondition: the part lies inside.
    public func write<Result, Failure: Error>(
        _ part: Range<Int>,
        of slot: Int,
        _ body: (inout MutableRawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(part.lowerBound >= 0 && part.upperBound <= slotByteCount)
        precondition(slot >= 0 && slot < slotCount)
        let start = unsafe piece.start + slot * slotByteCount + part.lowerBound
        let memory = unsafe UnsafeMutableRawBufferPointer(start: start, count: part.count)
        var span = unsafe memory.mutableBytes
        return try body(&span)
    }
}
