import CWire
import Cluster

extension SupplyCounts {
    /// Nothing came where the message says nothing.
    init(_ raw: UnsafeMutablePointer<Moiety__V1__SupplyCounts>?) {
        self.init()
        guard let raw = unsafe raw?.pointee else { return }
        fromFile = unsafe raw.from_file
        fromDirectory = unsafe raw.from_directory
        fromCache = unsafe raw.from_cache
        fetched = unsafe raw.fetched
        fetchedByteCount = unsafe raw.fetched_byte_count
        fallBacks = unsafe raw.fall_backs
        notKept = unsafe raw.not_kept
        storedUses = unsafe raw.stored_uses
        storedHits = unsafe raw.stored_hits
        storedByteCount = unsafe raw.stored_byte_count
        stallMicroseconds = unsafe raw.stall_microseconds
        unpacked = unsafe raw.unpacked
        memoryBudget = unsafe raw.memory_budget
        storedForeseen = unsafe raw.stored_foreseen
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__SupplyCounts>? {
        guard self != SupplyCounts() else { return nil }
        return unsafe writer.message(moiety__v1__supply_counts__init) { raw in
            unsafe raw.from_file = fromFile
            unsafe raw.from_directory = fromDirectory
            unsafe raw.from_cache = fromCache
            unsafe raw.fetched = fetched
            unsafe raw.fetched_byte_count = fetchedByteCount
            unsafe raw.fall_backs = fallBacks
            unsafe raw.not_kept = notKept
            unsafe raw.stored_uses = storedUses
            unsafe raw.stored_hits = storedHits
            unsafe raw.stored_byte_count = storedByteCount
            unsafe raw.stall_microseconds = stallMicroseconds
            unsafe raw.unpacked = unpacked
            unsafe raw.memory_budget = memoryBudget
            unsafe raw.stored_foreseen = storedForeseen
        }
    }
}
