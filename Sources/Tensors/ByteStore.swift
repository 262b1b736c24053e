/// Memory that is filled from front to back, and can be read as far as it came.
public struct ByteStore: Sendable {
    private var bytes: [UInt8] = []
    /// Bytes that there is room for.
    public let capacity: Int

    /// - Throws: `MemoryShortage` where the machine has fewer than `capacity` bytes.
    public init(capacity: Int) throws(MemoryShortage) {
        precondition(capacity >= 0, "\(capacity) bytes")
        try MemoryBudget.check(capacity)
        self.capacity = capacity
        bytes.reserveCapacity(capacity)
    }

    /// Bytes that came so far.
    public var count: Int { bytes.count }

    /// - Precondition: there is room.
    public mutating func append(_ more: [UInt8]) {
        precondition(more.count <= capacity - count, "\(more.count) bytes behind \(count)")
        bytes.append(contentsOf: more)
    }

    /// Adds `count` bytes that `fill` writes; those of a call that throws are given up.
    public mutating func append<Failure: Error>(
        _ count: Int,
        fill: (inout MutableRawSpan) throws(Failure) -> Void
    ) throws(Failure) {
        precondition(count >= 0 && count <= capacity - self.count, "\(count) bytes more")
        let start = self.count
        bytes.append(contentsOf: repeatElement(0, count: count))
        var isFilled = false
        defer { if !isFilled { bytes.removeLast(bytes.count - start) } }
        var elements = bytes.mutableSpan
        var all = unsafe elements.mutableBytes
        try all.withPart(start..<start + count, fill)
        isFilled = true
    }

    public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    /// Lends bytes that came.
    ///
    /// - Precondition: `part` lies within `count`.
    public func withSpan<Result, Failure: Error>(
        _ part: Range<Int>,
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let span = bytes.span
        let all = unsafe span.bytes
        return try body(all.extracting(part))
    }
}
