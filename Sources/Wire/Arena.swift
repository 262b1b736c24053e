import CProtobufC
import Glibc

/// Where protobuf-c puts a small message that it unpacks: some bytes of the stack, given out one
/// after the other and never taken back.
///
/// What does not fit comes from the system, so a large message costs more and no bound changes.
@unsafe private struct Arena {
    var next: UnsafeMutableRawPointer
    let start: UnsafeMutableRawPointer
    let end: UnsafeMutableRawPointer

    /// Bytes that a share's header and its envelope need, several times over.
    static let byteCount = 1024

    mutating func allocate(_ count: Int) -> UnsafeMutableRawPointer? {
        // Counts come from the message, so they are compared before anything is added.
        let room = unsafe end - next
        guard count >= 0, count <= room else { return unsafe malloc(count) }
        defer { unsafe next += min((count + 15) & ~15, room) }
        return unsafe next
    }

    func free(_ pointer: UnsafeMutableRawPointer?) {
        guard let pointer = unsafe pointer, unsafe pointer < start || pointer >= end else { return }
        unsafe Glibc.free(pointer)
    }
}

private func allocate(_ arena: UnsafeMutableRawPointer?, _ count: Int) -> UnsafeMutableRawPointer? {
    unsafe arena?.assumingMemoryBound(to: Arena.self).pointee.allocate(count)
}

private func free(_ arena: UnsafeMutableRawPointer?, _ pointer: UnsafeMutableRawPointer?) {
    unsafe arena?.assumingMemoryBound(to: Arena.self).pointee.free(pointer)
}

/// Lends an allocator that needs no memory of the system for a small message.
func withArena<Value, Failure: Error>(
    _ body: (UnsafeMutablePointer<ProtobufCAllocator>) throws(Failure) -> Value
) throws(Failure) -> Value {
    let outcome = unsafe withUnsafeTemporaryAllocation(
        byteCount: Arena.byteCount,
        alignment: 16
    ) { room -> Result<Value, Failure> in
        guard let start = room.baseAddress else { preconditionFailure("no room on the stack") }
        var arena = unsafe Arena(next: start, start: start, end: start + room.count)
        return unsafe withUnsafeMutablePointer(to: &arena) { arena -> Result<Value, Failure> in
            var allocator = unsafe ProtobufCAllocator(
                alloc: allocate,
                free: free,
                allocator_data: arena
            )
            do throws(Failure) {
                return .success(try unsafe body(&allocator))
            } catch {
                return .failure(error)
            }
        }
    }
    return try outcome.get()
}
