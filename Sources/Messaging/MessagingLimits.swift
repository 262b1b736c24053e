/// Bounds of what one socket takes from others and keeps for them.
///
/// Together they bound what one peer's whole messages occupy: `queuedMessageCount` that we send and
/// `receivedMessageCount` that it sends, of `frameCount` frames each. What the library has of a
/// message that is not whole yet is bounded frame by frame only: it has no option for more.
public struct MessagingLimits: Equatable, Sendable {
    /// Frames of one message.
    ///
    /// Our largest, a share, has six.
    public var frameCount: Int
    /// Bytes of one frame.
    ///
    /// Rows of activations or partial sums are the largest: 2048 rows of width 4096 in f64 fill 64
    /// MiB.
    public var frameByteCount: Int
    /// Bytes of one frame that others may send; where they send only small messages, less than
    /// what we send them.
    public var receivedFrameByteCount: Int
    /// Messages that wait for one peer to read them.
    ///
    /// A peer that does not read fills its queue and is then told from the others by `queueFull`,
    /// never by blocking the sender.
    public var queuedMessageCount: Int
    /// Messages of one peer that wait for us to read them; the rest waits at the peer.
    public var receivedMessageCount: Int
    /// Bytes of one endpoint's text, so that no setting grows without bound.
    public static let endpointByteCount = 512
    /// Events of connections that are read at a time, so that a flood of them ends no turn late.
    static let eventTurn = 1024

    public init(
        frameCount: Int = 8,
        frameByteCount: Int = 64 << 20,
        receivedFrameByteCount: Int? = nil,
        queuedMessageCount: Int = 256,
        receivedMessageCount: Int? = nil
    ) {
        precondition(frameCount > 0, "a message needs a frame, not \(frameCount)")
        precondition(frameByteCount > 0, "a frame of \(frameByteCount) bytes holds nothing")
        precondition(queuedMessageCount > 0, "0 would mean an unbounded queue")
        self.frameCount = frameCount
        self.frameByteCount = frameByteCount
        self.receivedFrameByteCount = receivedFrameByteCount ?? frameByteCount
        self.queuedMessageCount = queuedMessageCount
        self.receivedMessageCount = receivedMessageCount ?? queuedMessageCount
        precondition(self.receivedMessageCount > 0, "0 would mean an unbounded queue")
    }
}
