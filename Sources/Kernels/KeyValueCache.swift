/// Keys and values of one sequence in one layer, in half precision.
///
/// Position p of the sequence is row p. Owned by one thread at a time.
@safe public final class KeyValueCache {
    /// Values of a position's keys: heads times their width; likewise below.
    public let keyWidth: Int
    public let valueWidth: Int
    /// Positions it may grow to.
    public let capacity: Int
    /// Positions held.
    public private(set) var positionCount = 0
    private var roomCount = 0
    private(set) var keys: UnsafeMutablePointer<UInt16>
    private(set) var values: UnsafeMutablePointer<UInt16>

    /// Positions that the first growth makes room for.
    private static let firstRoom = 64

    /// An empty cache; memory is taken as positions come.
    public init(keyWidth: Int, valueWidth: Int, capacity: Int) {
        precondition(keyWidth > 0 && valueWidth > 0 && capacity >= 0)
        self.keyWidth = keyWidth
        self.valueWidth = valueWidth
        self.capacity = capacity
        unsafe keys = .allocate(capacity: 0)
        unsafe values = .allocate(capacity: 0)
    }

    deinit {
        unsafe keys.deallocate()
        unsafe values.deallocate()
    }

    /// Bytes taken.
    public var byteCount: Int { roomCount * (keyWidth + valueWidth) * MemoryLayout<UInt16>.size }

    /// Forgets positions from `count` on.
    public func truncate(to count: Int) {
        precondition(
            count >= 0 && count <= positionCount,
            "\(positionCount) positions, not \(count)"
        )
        positionCount = count
    }

    /// Makes `position` one that is held: an old one, or the next.
    func hold(_ position: Int) {
        precondition(
            position >= 0 && position <= positionCount && position < capacity,
            "position \(position) does not follow \(positionCount) of at most \(capacity)"
        )
        if position == roomCount { grow() }
        positionCount = max(positionCount, position + 1)
    }

    private func grow() {
        let room = min(capacity, max(Self.firstRoom, 2 * roomCount))
        unsafe keys = Self.moved(keys, from: roomCount * keyWidth, to: room * keyWidth)
        unsafe values = Self.moved(values, from: roomCount * valueWidth, to: room * valueWidth)
        roomCount = room
    }

    private static func moved(
        _ old: UnsafeMutablePointer<UInt16>,
        from oldCount: Int,
        to newCount: Int
    ) -> UnsafeMutablePointer<UInt16> {
        let fresh = UnsafeMutablePointer<UInt16>.allocate(capacity: newCount)
        unsafe fresh.update(from: old, count: oldCount)
        unsafe old.deallocate()
        return unsafe fresh
    }
}
