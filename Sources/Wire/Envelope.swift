import CProtobufC

/// Unpacks an envelope, lends it to `read`, and frees it.
func withEnvelope<Raw, Message>(
    _ frames: [[UInt8]],
    limits: WireLimits,
    unpack: (
        UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?
    ) -> UnsafeMutablePointer<Raw>?,
    free: (UnsafeMutablePointer<Raw>?, UnsafeMutablePointer<ProtobufCAllocator>?) -> Void,
    read: (Raw, MessageReader) throws(WireError) -> Message
) throws(WireError) -> Message {
    guard let header = frames.first else {
        throw .wrongFrameCount(message: "a message", expected: 1, found: 0)
    }
    guard header.count <= limits.headerByteCount else {
        throw .beyondLimit(
            field: "the envelope's length",
            value: UInt64(header.count),
            limit: limits.headerByteCount
        )
    }
    guard let envelope = unsafe unpack(nil, header.count, header) else {
        throw .malformedHeader(byteCount: header.count)
    }
    defer { unsafe free(envelope, nil) }
    return try unsafe read(envelope.pointee, MessageReader(limits: limits, frames: frames))
}

/// The error for an envelope whose message this version does not know.
///
/// protobuf-c keeps what it does not know; the first such field names the type.
func unknownType(_ base: ProtobufCMessage) -> WireError {
    guard unsafe base.n_unknown_fields > 0, let fields = unsafe base.unknown_fields else {
        return .unknownType(0)
    }
    return unsafe .unknownType(fields[0].tag)
}
