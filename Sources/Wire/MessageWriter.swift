import CProtobufC

/// The memory of one message while it is put together, and the raw frames that follow it.
///
/// protobuf-c messages point to their texts, lists and parts; all of these live here until the
/// envelope is packed.
@safe final class MessageWriter {
    private var blocks: [UnsafeMutableRawPointer] = unsafe []
    private(set) var frames: [[UInt8]] = []

    deinit {
        unsafe blocks.forEach { unsafe $0.deallocate() }
    }

    /// A message with default values, filled in by `fill`.
    func message<Raw>(
        _ initialize: (UnsafeMutablePointer<Raw>?) -> Void,
        fill: (inout Raw) -> Void = { _ in }
    ) -> UnsafeMutablePointer<Raw> {
        let raw = unsafe allocate(Raw.self, count: 1)
        unsafe initialize(raw)
        unsafe fill(&raw.pointee)
        return unsafe raw
    }

    func bytes(_ bytes: some Collection<UInt8>) -> ProtobufCBinaryData {
        guard !bytes.isEmpty else { return unsafe ProtobufCBinaryData(len: 0, data: nil) }
        let data = unsafe allocate(UInt8.self, count: bytes.count)
        unsafe data.initialize(from: Array(bytes), count: bytes.count)
        return unsafe ProtobufCBinaryData(len: bytes.count, data: data)
    }

    func text(_ text: String) -> ProtobufCBinaryData {
        unsafe bytes(text.utf8)
    }

    /// A text for people, cut off between two characters where it is too long.
    func message(_ text: String) -> ProtobufCBinaryData {
        guard text.utf8.count > WireLimits.messageByteCount else { return unsafe self.text(text) }
        var end = text.utf8.index(text.startIndex, offsetBy: WireLimits.messageByteCount)
        while end.samePosition(in: text.unicodeScalars) == nil {
            end = text.utf8.index(before: end)
        }
        return unsafe self.text(String(text[..<end]))
    }

    /// A list as protobuf-c keeps it: nil where it is empty.
    func list<Element>(_ elements: [Element]) -> UnsafeMutablePointer<Element>? {
        guard !elements.isEmpty else { return nil }
        let list = unsafe allocate(Element.self, count: elements.count)
        unsafe list.initialize(from: elements, count: elements.count)
        return unsafe list
    }

    /// Adds a raw frame after the envelope.
    func append<Element: FrameElement>(_ values: [Element]) {
        frames.append(frame(values))
    }

    /// The packed envelope and the raw frames.
    func finish<Raw>(_ envelope: UnsafeMutablePointer<Raw>) -> [[UInt8]] {
        let header = unsafe envelope.withMemoryRebound(to: ProtobufCMessage.self, capacity: 1) {
            message in
            let count = unsafe protobuf_c_message_get_packed_size(message)
            return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, packedCount in
                unsafe packedCount = protobuf_c_message_pack(message, buffer.baseAddress)
            }
        }
        return [header] + frames
    }

    private func allocate<Value>(
        _ type: Value.Type,
        count: Int
    ) -> UnsafeMutablePointer<Value> {
        let block = UnsafeMutablePointer<Value>.allocate(capacity: count)
        unsafe blocks.append(UnsafeMutableRawPointer(block))
        return unsafe block
    }
}

extension Duration {
    /// Whole nanoseconds from 0 to what 64 bits hold.
    var wireNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return UInt64(Int64.max) }
        let (sum, carry) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return UInt64(carry ? Int64.max : sum)
    }
}
