import CZeroMQ
import Glibc

/// The frames of one message in the library's own memory, so that sockets need not copy them.
///
/// Made once and used for message after message. Belongs to the thread of the socket that it is
/// sent over or received from.
@safe public final class FrameList {
    /// Who sent the message, where a router received it.
    public internal(set) var peer: Peer?
    /// How many frames there are.
    public private(set) var count = 0
    /// How many there can be.
    public let capacity: Int
    /// The first `count` of them in use, all of them initialised.
    private let frames: UnsafeMutablePointer<zmq_msg_t>

    public init(capacity: Int = MessagingLimits().frameCount) {
        precondition(capacity > 0, "a message needs a frame, not \(capacity)")
        self.capacity = capacity
        unsafe frames = .allocate(capacity: capacity)
        for index in 0..<capacity { unsafe zmq_msg_init(frames + index) }
    }

    /// Copies of frames that somebody has.
    public convenience init(_ copied: [[UInt8]]) {
        self.init(capacity: max(1, copied.count))
        for frame in copied { append(frame) }
    }

    deinit {
        for index in 0..<capacity { unsafe zmq_msg_close(frames + index) }
        unsafe frames.deallocate()
    }

    public var isEmpty: Bool { count == 0 }

    /// The key that the message's connection has shown, where sockets ask for one.
    public var sender: PublicKey? {
        // The doorkeeper calls connections by their keys.
        guard count > 0, let name = unsafe zmq_msg_gets(frames, "User-Id") else { return nil }
        return unsafe PublicKey(String(cString: name))
    }

    /// Copies of the frames.
    public var copies: [[UInt8]] {
        (0..<count).map { index in
            withFrame(index) { unsafe $0.withUnsafeBytes { unsafe Array($0) } }
        }
    }

    /// Lends a frame; the span is valid only inside `body`, and aligned to nothing.
    public func withFrame<Result, Failure: Error>(
        _ index: Int,
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(index >= 0 && index < count, "no frame \(index) among \(count)")
        let start = unsafe zmq_msg_data(frames + index)
        let bytes = unsafe UnsafeRawBufferPointer(start: start, count: byteCount(of: index))
        return try body(unsafe bytes.bytes)
    }

    public func byteCount(of index: Int) -> Int {
        precondition(index >= 0 && index < count, "no frame \(index) among \(count)")
        return unsafe zmq_msg_size(frames + index)
    }

    /// Adds a frame of `byteCount` bytes.
    ///
    /// - Parameter fill: writes all of them; what it leaves out is whatever the memory held.
    public func append(byteCount: Int, fill: (inout MutableRawSpan) -> Void) {
        precondition(count < capacity, "a message of more than \(capacity) frames")
        let status = unsafe zmq_msg_init_size(frames + count, byteCount)
        precondition(status == 0, "no memory for a frame of \(byteCount) bytes")
        count += 1
        let start = unsafe zmq_msg_data(frames + count - 1)
        var span = unsafe UnsafeMutableRawBufferPointer(start: start, count: byteCount).mutableBytes
        fill(&span)
    }

    /// Adds a copy of `bytes`.
    public func append(_ bytes: [UInt8]) {
        append(byteCount: bytes.count) { span in
            unsafe span.withUnsafeMutableBytes { unsafe $0.copyBytes(from: bytes) }
        }
    }

    /// Lets go of the frames; the library frees what was not sent.
    public func removeAll() {
        for index in 0..<count { unsafe zmq_msg_close(frames + index) }
        for index in 0..<count { unsafe zmq_msg_init(frames + index) }
        count = 0
        peer = nil
    }

    // MARK: - For sockets

    /// The largest frame's length.
    var largestByteCount: Int { (0..<count).reduce(0) { max($0, byteCount(of: $1)) } }

    /// Hands frame `index` to the library.
    ///
    /// - Returns: 0, or the error number.
    func send(_ index: Int, over handle: UnsafeMutableRawPointer) -> Int32 {
        let flags = ZMQ_DONTWAIT | (index + 1 < count ? ZMQ_SNDMORE : 0)
        while unsafe zmq_msg_send(frames + index, handle, flags) < 0 {
            if errno != EINTR { return errno }
        }
        return 0
    }

    /// Takes a frame over, unless there are too many already.
    ///
    /// - Returns: whether there was room.
    func take(_ message: inout zmq_msg_t) -> Bool {
        guard count < capacity else { return false }
        unsafe zmq_msg_move(frames + count, &message)
        count += 1
        return true
    }
}
