/// Memory that holds weights: aligned to a page, written once while it is made, read only after.
///
/// Owned by reference count, so slices of one buffer (the experts of a layer, say) share it.
@safe public final class Bytes: @unchecked Sendable {
    // @unchecked: the memory is written before `init` returns and never again.
    private let memory: UnsafeMutableRawBufferPointer

    /// Bytes held.
    public var count: Int { unsafe memory.count }

    /// Allocates `count` bytes, zeroed, and lets `fill` write them.
    public init<Failure: Error>(
        count: Int,
        fill: (inout MutableRawSpan) throws(Failure) -> Void
    ) throws(Failure) {
        precondition(count >= 0, "cannot allocate \(count) bytes")
        unsafe memory = .allocate(byteCount: count, alignment: Self.alignment)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0)
        do {
            var span = unsafe memory.mutableBytes
            try fill(&span)
        } catch {
            unsafe memory.deallocate()
            throw error
        }
    }

    deinit { unsafe memory.deallocate() }

    /// Lends the bytes; the span is valid only inside `body`.
    public func withSpan<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(unsafe UnsafeRawBufferPointer(memory).bytes)
    }

    /// A page, so that files can be read straight into it and huge pages can back it.
    public static let alignment = 4096
}
