package import Cluster
package import Logging
package import Messaging
import Model
import Wire

/// Sends chunks of experts to workers that have no file with them.
///
/// It reads the coordinator's own model file, one request at a time, worker after worker, and keeps
/// nothing: what waits for a worker that does not read is bounded by the socket's queue. It has a
/// thread and a socket of its own, so that shares wait neither for the disk nor behind chunks.
package final class ChunkServer {
    private let served: ServedModel
    private let socket: any MessageSocket
    private let inbox: Mailbox<ChunkCommand>
    private let clock: LoopClock
    private let figures: Latest<ChunkFigures>
    private let limits = WireLimits()
    private var pace: ChunkPace
    private var counted = ChunkFigures()
    private var drops = DropCounts()
    private var warnings: PeerWarnings
    /// Made when the first worker asks: most never do.
    private lazy var experts = served.digests.experts()
    /// Whether it was told to stop.
    package private(set) var isStopped = false

    package init(
        served: ServedModel,
        socket: any MessageSocket,
        inbox: Mailbox<ChunkCommand>,
        rate: Int?,
        clock: LoopClock,
        figures: Latest<ChunkFigures> = Latest(ChunkFigures()),
        logger: Logger
    ) {
        self.served = served
        self.socket = socket
        self.inbox = inbox
        self.clock = clock
        self.figures = figures
        warnings = PeerWarnings(logger)
        pace = ChunkPace(rate: rate, now: clock.now)
    }

    /// When the next chunk may leave, where the rate forbids it now: until then it waits for
    /// commands only.
    package var pauseEnd: Instant? { pace.nextTime(now: clock.now) }

    /// Obeys what it was told, then answers one request, if one has arrived and the rate allows.
    ///
    /// - Returns: whether there was a request: another may wait.
    package func turn() throws(MessagingError) -> Bool {
        for command in inbox.takeAll() {
            switch command {
            case .limit(let rate): pace.setRate(rate, now: clock.now)
            case .stop: isStopped = true
            }
        }
        guard !isStopped, pauseEnd == nil else { return false }
        let message = try socket.receive()
        if let message, let peer = message.peer { answer(message.frames, to: peer) }
        // Also where nothing was left of what came.
        counted.traffic = SocketTraffic(of: socket, drops: drops)
        figures.replace(by: counted)
        return message != nil
    }

    private func answer(_ frames: [[UInt8]], to peer: Peer) {
        do throws(WireError) {
            guard case .request(let request) = try ChunkMessage(frames: frames, limits: limits)
            else { return drop(.unexpected, of: peer, "a chunk is the coordinator's to send") }
            send(reply(to: request, of: peer), to: peer)
        } catch {
            drop(.malformed, of: peer, "\(error)")
        }
    }

    private func drop(_ reason: DropCounts.Reason, of peer: Peer, _ text: String) {
        drops.count(reason)
        let sentence: Logger.Message = "Message dropped on the chunks' socket"
        warnings.tell(sentence, of: .init(ofData: peer), reason: text, now: clock.now)
    }

    private func reply(to request: ChunkRequest, of peer: Peer) -> ChunkMessage {
        guard let id = experts[request.digest] else {
            return refusal(
                of: request,
                .unknownExpert,
                "no expert of the coordinator's model has the hash \(request.digest)"
            )
        }
        guard let size = served.file.layout.byteCount(of: id),
            let offset = Int(exactly: request.offset), request.byteCount > 0,
            offset <= size, request.byteCount <= size - offset
        else {
            let text = "\(id) has no \(request.byteCount) bytes at \(request.offset)"
            drop(.malformed, of: peer, text)
            return refusal(of: request, .malformed, text)
        }
        do throws(ModelError) {
            let bytes = try served.file.expertBytes(id, from: offset, count: request.byteCount)
            return .chunk(Chunk(id: request.id, bytes: bytes))
        } catch {
            return refusal(of: request, .unreadable, "\(error)")
        }
    }

    private func refusal(
        of request: ChunkRequest,
        _ code: ChunkRefusalCode,
        _ text: String
    ) -> ChunkMessage {
        counted.refusalCount += 1
        return .refused(ChunkRefused(id: request.id, code: code, text: text))
    }

    private func send(_ message: ChunkMessage, to peer: Peer) {
        do throws(MessagingError) {
            try socket.send(message.encode(), to: peer)
            guard case .chunk(let chunk) = message else { return }
            counted.chunkCount += 1
            counted.byteCount += UInt64(chunk.bytes.count)
            pace.onSent(chunk.bytes.count, now: clock.now)
        } catch {
            // It is gone, or asks for more than it reads; it asks again.
            drops.count(.unanswered)
        }
    }
}

/// What the loop thread tells the thread that sends chunks.
package enum ChunkCommand: Sendable {
    /// Send no more than so many bytes per second from now on; nil for no bound.
    case limit(Int?)
    case stop

    /// Commands that may wait; few are given.
    package static let queueLimit = 64
}

/// What was sent, for the loop thread to tell.
package struct ChunkFigures: Hashable, Sendable {
    package var chunkCount: UInt64 = 0
    package var byteCount: UInt64 = 0
    package var refusalCount: UInt64 = 0
    package var traffic = SocketTraffic()

    package init() {}
}
