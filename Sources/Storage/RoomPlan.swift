import Model

/// Which experts a cache keeps, and which it removes for them.
struct RoomPlan: Equatable {
    /// Those of the wanted that there is room for, or that are there.
    private(set) var kept: Set<ExpertDigest> = []
    /// The ones that were not used for the longest time.
    private(set) var evicted: [CacheEntry] = []
    /// Bytes that are still to be written for the ones kept.
    private(set) var reservedByteCount = 0

    /// - Parameters:
    ///   - wanted: those that come first get room first.
    ///   - inUse: what others need, which stays.
    ///   - byteLimit: of all entries together.
    ///   - freeByteCount: of the disk.
    init(
        wanted: [WantedExpert],
        entries: [CacheEntry],
        inUse: Set<ExpertDigest>,
        byteLimit: Int,
        freeByteCount: Int
    ) {
        let needed = inUse.union(wanted.lazy.map(\.digest))
        let present = entries.filter { needed.contains($0.digest) }
        let whole = Set(present.lazy.filter { $0.stage == .whole }.map(\.digest))
        let partial = Dictionary(
            present.lazy.filter { $0.stage == .partial }.map { ($0.digest, $0.byteCount) },
            uniquingKeysWith: max
        )
        var room = min(byteLimit - entries.reduce(0) { $0 + $1.byteCount }, freeByteCount)
        var removable = entries.filter { !needed.contains($0.digest) }
            .sorted { $1.isOlder(than: $0) }
        var removableByteCount = removable.reduce(0) { $0 + $1.byteCount }
        for expert in wanted where !kept.contains(expert.digest) {
            guard !whole.contains(expert.digest) else {
                kept.insert(expert.digest)
                continue
            }
            let need = max(0, expert.byteCount - (partial[expert.digest] ?? 0))
            // Nothing is removed in vain.
            guard room + removableByteCount >= need else { continue }
            while room < need, let oldest = removable.popLast() {
                evicted.append(oldest)
                removableByteCount -= oldest.byteCount
                room += oldest.byteCount
            }
            room -= need
            reservedByteCount += need
            kept.insert(expert.digest)
        }
    }
}
