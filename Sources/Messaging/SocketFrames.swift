import CZeroMQ
import Glibc

/// Frames in and out of the library, one call each.
extension Socket {
    /// Sends the frame at which the library decides whether it takes the message.
    func sendFirst(_ frame: [UInt8], hasMore: Bool, to peer: Peer?) throws(MessagingError) {
        switch put(frame, hasMore: hasMore) {
        case 0: return
        case EAGAIN: throw .queueFull(peer)
        case EHOSTUNREACH:
            guard let peer else { throw lastFailure("zmq_send") }
            throw .unroutable(peer)
        default: throw lastFailure("zmq_send")
        }
    }

    /// Sends the frames after the one that was taken.
    ///
    /// Where the connection ends in the middle, the library takes back what it has and swallows
    /// the rest up to the last frame, so the rest is still handed over.
    func sendRest(_ frames: ArraySlice<[UInt8]>, to peer: Peer?) throws(MessagingError) {
        var isLost = false
        for index in frames.indices {
            switch put(frames[index], hasMore: index + 1 < frames.endIndex) {
            case 0: continue
            case EAGAIN: isLost = true
            default: throw lastFailure("zmq_send")
            }
        }
        if isLost { throw .queueFull(peer) }
    }

    /// Hands one frame over; returns 0 or the error number.
    private func put(_ frame: [UInt8], hasMore: Bool) -> Int32 {
        let flags = ZMQ_DONTWAIT | (hasMore ? ZMQ_SNDMORE : 0)
        while true {
            let count = unsafe frame.withUnsafeBytes { bytes in
                unsafe zmq_send(handle, bytes.baseAddress, bytes.count, flags)
            }
            if count >= 0 { return 0 }
            if errno != EINTR { return errno }
        }
    }

    /// Sends frames where they lie.
    ///
    /// - Parameter first: the index of the frame at which the library decides, 0 on a dealer.
    func send(_ frames: FrameList, from first: Int, to peer: Peer?) throws(MessagingError) {
        var isLost = false
        for index in first..<frames.count {
            switch unsafe frames.send(index, over: handle) {
            case 0: continue
            case EAGAIN where index > 0 || peer != nil: isLost = true
            case EAGAIN: throw .queueFull(peer)
            default: throw lastFailure("zmq_msg_send")
            }
        }
        if isLost { throw .queueFull(peer) }
    }

    /// Takes all frames of the next message, the routing id apart on a router.
    ///
    /// Once the limits are exceeded the frames are taken from the library and let go.
    ///
    /// - Returns: Nil where no message has arrived; else whether it is within the limits.
    func takeFrames(into frames: FrameList) throws(MessagingError) -> Bool? {
        var isWithinLimits = true
        var message = zmq_msg_t()
        unsafe zmq_msg_init(&message)
        defer { unsafe zmq_msg_close(&message) }
        var isID = kind == .router
        var hasMore = true
        while hasMore {
            guard try next(&message) else { return nil }
            hasMore = unsafe zmq_msg_more(&message) != 0
            let count = unsafe zmq_msg_size(&message)
            if isID {
                isWithinLimits = (1...Peer.longest).contains(count)
                if isWithinLimits { frames.peer = Peer(copy(&message, count: count)) }
                isID = false
            } else if frames.count == limits.frameCount || count > limits.receivedFrameByteCount
                || !isWithinLimits || !frames.take(&message)
            {
                isWithinLimits = false
            }
        }
        return isWithinLimits && !frames.isEmpty
    }

    /// Takes the next frame from the library; false where there is none.
    ///
    /// Frames of one message arrive together, so only a first frame can be missing.
    private func next(_ message: inout zmq_msg_t) throws(MessagingError) -> Bool {
        while unsafe zmq_msg_recv(&message, handle, ZMQ_DONTWAIT) < 0 {
            switch errno {
            case EINTR: continue
            case EAGAIN: return false
            default: throw lastFailure("zmq_msg_recv")
            }
        }
        return true
    }

    private func copy(_ message: inout zmq_msg_t, count: Int) -> [UInt8] {
        guard count > 0, let data = unsafe zmq_msg_data(&message) else { return [] }
        return unsafe Array(UnsafeRawBufferPointer(start: data, count: count))
    }
}
