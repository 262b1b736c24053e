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
        storedLowUses = unsafe raw.stored_low_uses
        storedLowHits = unsafe raw.stored_low_hits
        lowBitCount = unsafe raw.low_bits
        idleLoads = unsafe raw.idle_loads
        idleUses = unsafe raw.idle_uses
        guesses = unsafe Self.distances(raw.guesses, count: raw.n_guesses)
        rightGuesses = unsafe Self.distances(raw.right_guesses, count: raw.n_right_guesses)
    }

    /// Counts by distance; further ones than there are here are of no use here.
    private static func distances(
        _ list: UnsafeMutablePointer<UInt64>?,
        count: Int
    ) -> SIMD4<UInt64> {
        var counts = SIMD4<UInt64>()
        guard let list = unsafe list else { return counts }
        for distance in 0..<min(count, counts.scalarCount) {
            counts[distance] = unsafe list[distance]
        }
        return counts
    }

    /// As a message has them: up to the last one that is not 0.
    private static func list(_ counts: SIMD4<UInt64>) -> [UInt64] {
        let all = counts.indices.map { counts[$0] }
        return Array(all.prefix((all.lastIndex(where: { $0 > 0 }) ?? -1) + 1))
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
            unsafe raw.stored_low_uses = storedLowUses
            unsafe raw.stored_low_hits = storedLowHits
            unsafe raw.low_bits = lowBitCount
            unsafe raw.idle_loads = idleLoads
            unsafe raw.idle_uses = idleUses
            let (made, right) = (Self.list(guesses), Self.list(rightGuesses))
            unsafe raw.n_guesses = made.count
            unsafe raw.guesses = writer.list(made)
            unsafe raw.n_right_guesses = right.count
            unsafe raw.right_guesses = writer.list(right)
        }
    }
}
