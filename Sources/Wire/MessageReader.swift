import CProtobufC
import Placement

/// Checks one received message's parts while they become values.
struct MessageReader {
    let limits: WireLimits
    /// All frames; the first one is the envelope.
    let frames: [[UInt8]]

    // MARK: - Fields

    /// Turns UTF-8 into text, within the limit for texts where none is given.
    func text(
        _ data: ProtobufCBinaryData,
        _ field: String,
        limit: Int? = nil
    ) throws(WireError) -> String {
        try unsafe check(data.len, field, limit: limit ?? limits.textByteCount)
        guard let text = unsafe String(validating: bytes(data), as: UTF8.self) else {
            throw .invalidText(field: field)
        }
        return text
    }

    /// Turns an empty text into nil.
    func optionalText(
        _ data: ProtobufCBinaryData,
        _ field: String
    ) throws(WireError) -> String? {
        let text = try unsafe text(data, field)
        return text.isEmpty ? nil : text
    }

    /// The text where it is one, within the limit; nothing otherwise.
    func textIfAny(_ data: ProtobufCBinaryData) -> String {
        guard unsafe data.len <= limits.textByteCount else { return "" }
        return unsafe String(validating: bytes(data), as: UTF8.self) ?? ""
    }

    func workerName(
        _ data: ProtobufCBinaryData,
        _ field: String
    ) throws(WireError) -> WorkerName {
        let text = try unsafe text(data, field, limit: WorkerName.longest)
        guard let name = WorkerName(rawValue: text) else {
            throw .invalidValue(field: field, value: "\"\(text)\"")
        }
        return name
    }

    /// The bytes of a field of a fixed length.
    func bytes(
        _ data: ProtobufCBinaryData,
        _ field: String,
        count: Int
    ) throws(WireError) -> [UInt8] {
        guard unsafe data.len == count else {
            throw .wrongFrameLength(field: field, expected: count, found: unsafe data.len)
        }
        return unsafe Array(bytes(data))
    }

    func count(_ value: UInt32, _ field: String, limit: Int) throws(WireError) -> Int {
        try check(Int(value), field, limit: limit)
        return Int(value)
    }

    /// A case of an enumeration by its number on the wire.
    func choice<Choice: RawRepresentable<UInt32>>(
        _ number: UInt32,
        _ field: String
    ) throws(WireError) -> Choice {
        guard let choice = Choice(rawValue: number) else {
            throw .invalidValue(field: field, value: "\(number)")
        }
        return choice
    }

    func duration(_ nanoseconds: UInt64, _ field: String) throws(WireError) -> Duration {
        guard let nanoseconds = Int64(exactly: nanoseconds) else {
            throw .beyondLimit(field: field, value: nanoseconds, limit: .max)
        }
        return .nanoseconds(nanoseconds)
    }

    // MARK: - Lists and parts

    /// Copies a list of numbers; `list` is what protobuf-c says it is, nil where it is empty.
    func list<Element: FrameElement>(
        _ list: UnsafeMutablePointer<Element>?,
        count: Int,
        _ field: String,
        limit: Int
    ) throws(WireError) -> [Element] {
        try check(count, field, limit: limit)
        guard let list = unsafe list else { return [] }
        return unsafe Array(UnsafeBufferPointer(start: list, count: count))
    }

    /// Turns each item of a list into a value.
    func items<Item, Value>(
        _ list: UnsafeMutablePointer<Item>?,
        count: Int,
        _ field: String,
        read: (Item) throws(WireError) -> Value
    ) throws(WireError) -> [Value] {
        try check(count, field, limit: limits.listCount)
        guard let list = unsafe list else { return [] }
        var values: [Value] = []
        values.reserveCapacity(count)
        for index in 0..<count {
            values.append(try unsafe read(list[index]))
        }
        return values
    }

    /// Turns each part of a list into a value.
    func parts<Raw, Value>(
        _ list: UnsafeMutablePointer<UnsafeMutablePointer<Raw>?>?,
        count: Int,
        _ field: String,
        read: (Raw) throws(WireError) -> Value
    ) throws(WireError) -> [Value] {
        try unsafe items(list, count: count, field) { pointer throws(WireError) in
            try unsafe read(part(pointer, field))
        }
    }

    /// The part of a message that must not be absent.
    func part<Raw>(
        _ pointer: UnsafeMutablePointer<Raw>?,
        _ field: String
    ) throws(WireError) -> Raw {
        guard let pointer = unsafe pointer else {
            throw .invalidValue(field: field, value: "absent")
        }
        return unsafe pointer.pointee
    }

    /// The message that an envelope says it holds.
    func body<Raw>(_ pointer: UnsafeMutablePointer<Raw>?) throws(WireError) -> Raw {
        try unsafe part(pointer, "body")
    }

    // MARK: - Raw frames

    /// Refuses more or fewer raw frames than the message has.
    func requireRawFrames(_ count: Int, _ message: String) throws(WireError) {
        try checkRawFrames(frames.count, count, message)
    }

    /// The values of raw frame `index`, counted from 1, whose length must be exactly
    /// `count * per` of them.
    func rawFrame<Element: FrameElement>(
        _ index: Int,
        _ field: String,
        count: Int,
        per: Int = 1
    ) throws(WireError) -> [Element] {
        let valueCount = try checkLength(
            frames[index].count,
            of: Element.self,
            field,
            count: count,
            per: per
        )
        return values(of: frames[index], count: valueCount)
    }

    func check(_ value: Int, _ field: String, limit: Int) throws(WireError) {
        guard value <= limit else {
            throw .beyondLimit(field: field, value: UInt64(value), limit: limit)
        }
    }

    private func bytes(_ data: ProtobufCBinaryData) -> UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(start: data.data, count: data.data == nil ? 0 : data.len)
    }
}

/// Refuses more or fewer frames than an envelope and `count` raw ones.
func checkRawFrames(_ found: Int, _ count: Int, _ message: String) throws(WireError) {
    guard found == 1 + count else {
        throw .wrongFrameCount(message: message, expected: 1 + count, found: found)
    }
}

/// Refuses a raw frame that is not exactly `count * per` values long.
///
/// - Returns: how many values it has.
@discardableResult
func checkLength<Element: FrameElement>(
    _ found: Int,
    of type: Element.Type,
    _ field: String,
    count: Int,
    per: Int = 1
) throws(WireError) -> Int {
    let (valueCount, overflow) = count.multipliedReportingOverflow(by: per)
    let (byteCount, carry) = valueCount.multipliedReportingOverflow(
        by: MemoryLayout<Element>.size
    )
    guard !overflow, !carry, byteCount == found else {
        let expected = overflow || carry ? Int.max : byteCount
        throw .wrongFrameLength(field: field, expected: expected, found: found)
    }
    return valueCount
}
