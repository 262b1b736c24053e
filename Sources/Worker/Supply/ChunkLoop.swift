import Cluster
import Messaging
import Model
import Storage
import Tensors
import Wire

/// Fetches experts from the coordinator, one after the other: the shell of `ExpertFetch`.
///
/// Never waits: its owner calls `turn` after each event and at `nextDeadline`.
final class ChunkLoop {
    /// What to do with an expert that is here and right.
    typealias Receive = (ArrivingExpert) throws(SupplyError) -> Void

    private let dial: Dial
    private let endpoint: Latest<String>
    private let clock: LoopClock
    private let limits = WireLimits()
    private let user: CacheUser?
    /// Those that the cache has room for.
    private let kept: Set<ExpertDigest>
    private let receive: Receive
    private var fetch: ExpertFetch
    private var arriving: ArrivingExpert?
    private var dialled: Endpoint?
    private(set) var socket: (any MessageSocket)?
    /// Experts that were meant to be kept, and why they were not.
    private(set) var troubles: [ExpertCacheError] = []

    /// Messages taken before the owner gets its turn.
    private static let turn = 16

    init(
        _ wanted: [ExpertFetch.Wanted],
        from endpoint: Latest<String>,
        keeping kept: Set<ExpertDigest>,
        by user: CacheUser?,
        dial: @escaping Dial,
        clock: LoopClock,
        limits: ExpertFetch.Limits = ExpertFetch.Limits(),
        receive: @escaping Receive
    ) {
        self.endpoint = endpoint
        self.kept = kept
        self.user = user
        self.dial = dial
        self.clock = clock
        self.receive = receive
        fetch = ExpertFetch(wanted, limits: limits, now: clock.now)
    }

    /// Whether every expert is here.
    var isComplete: Bool { fetch.isComplete }

    var fetchedByteCount: Int { fetch.fetchedByteCount }

    /// When to call `turn` if nothing happens before.
    var nextDeadline: Instant? { fetch.nextDeadline }

    /// Does all that can be done now.
    func turn() throws(SupplyError) {
        try begin()
        let endpoint = try connect()
        for _ in 0..<Self.turn {
            guard let message = try next() else { break }
            try handle(message)
        }
        fetch.tick(now: clock.now)
        if let failure = fetch.failure { throw SupplyError(failure, at: endpoint) }
        for request in fetch.requests(now: clock.now) {
            guard send(request) else { return fetch.onUnsent(now: clock.now) }
        }
    }

    /// Begins with the expert at hand, and with the next where all of one is in the cache.
    private func begin() throws(SupplyError) {
        while arriving == nil, !fetch.isComplete {
            let wanted = fetch.wanted[fetch.place]
            let expert: ArrivingExpert
            do throws(MemoryShortage) {
                expert = try ArrivingExpert(
                    wanted.digest,
                    byteCount: wanted.byteCount,
                    keptBy: kept.contains(wanted.digest) ? user : nil
                )
            } catch {
                throw .model(.shortage(error, path: "\(wanted.digest)"))
            }
            arriving = expert
            fetch.onBegun(doneByteCount: expert.count)
            if expert.isWhole { try complete(expert) }
        }
    }

    private func complete(_ expert: ArrivingExpert) throws(SupplyError) {
        guard expert.verify() else { return fetch.onDiffering() }
        if let trouble = expert.trouble { troubles.append(trouble) }
        arriving = nil
        fetch.onVerified()
        try receive(expert)
        try begin()
    }

    /// Connects where the coordinator said last.
    private func connect() throws(SupplyError) -> Endpoint {
        let wanted = endpoint.value
        if let dialled, "\(dialled)" == wanted { return dialled }
        do throws(MessagingError) {
            let endpoint = try Endpoint(wanted)
            var options = SocketOptions()
            options.limits = MessagingLimits(
                receivedFrameByteCount: limits.chunkByteCount,
                queuedMessageCount: 2 * fetch.limits.window
            )
            socket = try dial(endpoint, options)
            dialled = endpoint
            return endpoint
        } catch {
            throw .messaging(error)
        }
    }

    private func next() throws(SupplyError) -> ChunkMessage? {
        do throws(MessagingError) {
            while let received = try socket?.receive() {
                do throws(WireError) {
                    return try ChunkMessage(frames: received.frames, limits: limits)
                } catch {
                    // As if it had been lost: it is asked for again.
                    continue
                }
            }
        } catch {
            throw .messaging(error)
        }
        return nil
    }

    private func handle(_ message: ChunkMessage) throws(SupplyError) {
        let now = clock.now
        switch message {
        case .chunk(let chunk):
            let arrival = fetch.onChunk(id: chunk.id, byteCount: chunk.bytes.count, now: now)
            guard arrival != .drop, let arriving else { return }
            arriving.append(chunk.bytes)
            if arrival == .completes { try complete(arriving) }
        case .refused(let refusal):
            fetch.onRefusal(id: refusal.id, code: refusal.code, reason: refusal.text, now: now)
        case .request: return
        }
    }

    /// - Returns: whether somebody is connected who takes it.
    private func send(_ request: ExpertFetch.Request) -> Bool {
        let message = ChunkMessage.request(
            ChunkRequest(
                id: request.id,
                digest: request.digest,
                offset: UInt64(request.offset),
                byteCount: request.byteCount
            )
        )
        do throws(MessagingError) {
            try socket?.send(message.encode())
            return socket != nil
        } catch {
            return false
        }
    }
}
