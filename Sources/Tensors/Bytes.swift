internal import Glibc

/// Memory that holds weights: aligned to a page, written once while it is made, read only after.
///
/// Owned by reference count, so slices of one buffer (the experts of a layer, say) share it.
@safe public final class Bytes: @unchecked Sendable {
    // @unchecked: the memory is written before `init` returns and never again.
    private let memory: UnsafeMutableRawBufferPointer
    /// Where the memory comes from, or nil for the heap.
    private let piece: PageArena.Piece?

    /// Bytes held.
    public var count: Int { unsafe memory.count }

    /// Allocates `count` bytes, zeroed, and lets `fill` write them.
    ///
    /// - Precondition: the memory is there. For a count that comes from a file there is the form
    ///   with `shortage`.
    public convenience init<Failure: Error>(
        count: Int,
        fill: (inout MutableRawSpan) throws(Failure) -> Void
    ) throws(Failure) {
        guard let memory = unsafe Self.allocate(count) else {
            preconditionFailure("no memory for \(count) bytes")
        }
        try unsafe self.init(filling: memory, fill)
    }

    /// Allocates `count` bytes, zeroed, and lets `fill` write them, if the machine has that many.
    ///
    /// - Parameter shortage: says in the caller's words that it has not.
    public convenience init<Failure: Error>(
        count: Int,
        shortage: (MemoryShortage) -> Failure,
        fill: (inout MutableRawSpan) throws(Failure) -> Void
    ) throws(Failure) {
        do throws(MemoryShortage) {
            try MemoryBudget.check(count)
        } catch {
            throw shortage(error)
        }
        guard let memory = unsafe Self.allocate(count) else {
            throw shortage(MemoryShortage(needed: count, available: 0))
        }
        try unsafe self.init(filling: memory, fill)
    }

    /// Takes `count` zeroed bytes for weights, in huge pages where there are any, and lets `fill`
    /// write them.
    ///
    /// - Precondition: the memory is there: the same weights were read from a file before.
    public init<Failure: Error>(
        weightByteCount count: Int,
        fill: (inout MutableRawSpan) throws(Failure) -> Void
    ) throws(Failure) {
        guard let piece = PageArena.shared.take(count) else {
            preconditionFailure("no memory for \(count) bytes of weights")
        }
        let memory = unsafe UnsafeMutableRawBufferPointer(start: piece.start, count: count)
        var span = unsafe memory.mutableBytes
        try fill(&span)
        unsafe self.memory = memory
        self.piece = piece
    }

    private init<Failure: Error>(
        filling memory: UnsafeMutableRawBufferPointer,
        _ fill: (inout MutableRawSpan) throws(Failure) -> Void
    ) throws(Failure) {
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0)
        do {
            var span = unsafe memory.mutableBytes
            try fill(&span)
        } catch {
            unsafe free(memory.baseAddress)
            throw error
        }
        // Not before: once `self` is complete, a throw would also run `deinit`.
        unsafe self.memory = memory
        piece = nil
    }

    /// Memory for `count` bytes, or nil where the system refuses.
    private static func allocate(_ count: Int) -> UnsafeMutableRawBufferPointer? {
        precondition(count >= 0, "cannot allocate \(count) bytes")
        var start: UnsafeMutableRawPointer?
        // Swift's own allocation ends the process instead of failing.
        guard unsafe posix_memalign(&start, alignment, max(1, count)) == 0 else { return nil }
        return unsafe UnsafeMutableRawBufferPointer(start: start, count: count)
    }

    deinit { if piece == nil { unsafe free(memory.baseAddress) } }

    /// Lends the bytes; the span is valid only inside `body`.
    public func withSpan<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(unsafe UnsafeRawBufferPointer(memory).bytes)
    }

    /// A page, so that files can be read straight into it and huge pages can back it.
    public static let alignment = 4096
}

extension Bytes {
    /// The f32 values that start at byte `offset`.
    ///
    /// - Precondition: they lie inside.
    public func floats(at offset: Int, count: Int) -> [Float] {
        let size = MemoryLayout<Float>.size
        precondition(offset >= 0 && count >= 0 && offset + count * size <= self.count)
        return (0..<count).map {
            unsafe memory.loadUnaligned(fromByteOffset: offset + $0 * size, as: Float.self)
        }
    }
}

extension RawSpan {
    /// Copies of the bytes piece by piece, for readers that want arrays.
    public func forEachPiece(of length: Int = 1 << 16, _ body: ([UInt8]) -> Void) {
        unsafe withUnsafeBytes { bytes in
            for start in stride(from: 0, to: bytes.count, by: length) {
                body(unsafe Array(bytes[start..<min(start + length, bytes.count)]))
            }
        }
    }
}

extension MutableRawSpan {
    /// Lends a part of the span for writing.
    ///
    /// - Precondition: the part lies inside.
    public mutating func withPart<Failure: Error>(
        _ part: Range<Int>,
        _ body: (inout MutableRawSpan) throws(Failure) -> Void
    ) throws(Failure) {
        precondition(part.lowerBound >= 0 && part.upperBound <= byteCount)
        try unsafe withUnsafeMutableBytes { (bytes) throws(Failure) in
            var span = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[part]).mutableBytes
            try body(&span)
        }
    }
}
