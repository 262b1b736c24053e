/// Memory that a file is read into piece by piece.
public struct ReadBuffer: ~Copyable {
    private var bytes: [UInt8]

    public init(byteCount: Int) { bytes = Array(repeating: 0, count: byteCount) }

    /// Lends the first `count` bytes to `fill`, and then what they hold to `body`.
    ///
    /// - Precondition: there are that many.
    public mutating func pass<Failure: Error>(
        _ count: Int,
        fill: (inout MutableRawSpan) throws(Failure) -> Void,
        to body: (RawSpan) throws(Failure) -> Void
    ) throws(Failure) {
        precondition(count >= 0 && count <= bytes.count, "\(count) of \(bytes.count) bytes")
        var elements = bytes.mutableSpan
        var all = unsafe elements.mutableBytes
        try all.withPart(0..<count) { span throws(Failure) in
            try fill(&span)
            try body(span.bytes)
        }
    }
}
