internal import Glibc

/// Memory that holds weights: aligned to a page, written once while it is made, read only after.
///
/// Owned by reference count, so slices of one buffer (the experts of a layer, say) share it. A slot
/// of `SlotMemory` is written again, by who knows that nobody reads it.
@safe public final class Bytes: @unchecked Sendable {
    // @unchecked: the memory is written before `init` returns and never again, but for slots.
    private let memory: UnsafeMutableRawBufferPointer
    /// Where large memory comes from; nil for the heap.
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
        guard let (memory, piece) = unsafe Self.allocate(count) else {
            preconditionFailure("no memory for \(count) bytes")
        }
        try unsafe self.init(filling: memory, of: piece, fill)
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
        guard let (memory, piece) = unsafe Self.allocate(count) else {
            throw shortage(MemoryShortage(needed: count, available: 0))
        }
        try unsafe self.init(filling: memory, of: piece, fill)
    }

    private init<Failure: Error>(
        filling memory: UnsafeMutableRawBufferPointer,
        of piece: PageArena.Piece?,
        _ fill: (inout MutableRawSpan) throws(Failure) -> Void
    ) throws(Failure) {
        do {
            var span = unsafe memory.mutableBytes
            try fill(&span)
        } catch {
            if piece == nil { unsafe free(memory.baseAddress) }
            throw error
        }
        // Not before: once `self` is complete, a throw would also run `deinit`.
        unsafe self.memory = memory
        self.piece = piece
    }

    /// A part of a piece that others write.
    init(_ part: Range<Int>, of piece: PageArena.Piece) {
        let start = unsafe piece.start + part.lowerBound
        unsafe memory = UnsafeMutableRawBufferPointer(start: start, count: part.count)
        self.piece = piece
    }

    /// Memory for `count` bytes that reads as zeros, or nil where the system refuses.
    private static func allocate(
        _ count: Int
    ) -> (memory: UnsafeMutableRawBufferPointer, piece: PageArena.Piece?)? {
        precondition(count >= 0, "cannot allocate \(count) bytes")
        if count >= largeByteCount {
            // Zero already: nothing is touched before it is filled.
            guard let piece = PageArena.shared.take(count) else { return nil }
            return unsafe (.init(start: piece.start, count: count), piece)
        }
        var start: UnsafeMutableRawPointer?
        // Swift's own allocation ends the process instead of failing.
        guard unsafe posix_memalign(&start, alignment, max(1, count)) == 0 else { return nil }
        let memory = unsafe UnsafeMutableRawBufferPointer(start: start, count: count)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0)
        return unsafe (memory, nil)
    }

    deinit { if piece == nil { unsafe free(memory.baseAddress) } }

    /// Lends the bytes; the span is valid only inside `body`.
    public func withSpan<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(unsafe UnsafeRawBufferPointer(memory).bytes)
    }

    /// From here on memory comes in pages of its own, huge ones where the system has them.
    private static let largeByteCount = 64 << 10

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
