public import Model

/// Which chunks of which experts a worker asks for, and when it asks again.
///
/// Experts come one after the other, chunk by chunk, with a few requests under way. What is late,
/// doubled or was never asked for is dropped; a gap in what comes, or silence, makes it ask again
/// from the first chunk that is missing. A pure value: the caller passes `now`, sends the requests,
/// and calls `tick` at `nextDeadline`.
public struct ExpertFetch: Equatable, Sendable {
    /// An expert to fetch, and the bytes of it that are here already.
    public struct Wanted: Equatable, Sendable {
        public let digest: ExpertDigest
        public let byteCount: Int
        public let doneByteCount: Int

        public init(digest: ExpertDigest, byteCount: Int, doneByteCount: Int = 0) {
            self.digest = digest
            self.byteCount = byteCount
            self.doneByteCount = doneByteCount
        }
    }

    /// A piece of an expert to ask for.
    public struct Request: Equatable, Sendable {
        /// Never used twice by one fetch.
        public let id: UInt64
        public let digest: ExpertDigest
        public let offset: Int
        public let byteCount: Int
        /// Which of the wanted it is of.
        let place: Int
    }

    /// What to do with a chunk that came.
    public enum Arrival: Equatable, Sendable {
        /// Add it to the expert at hand.
        case take
        /// Add it; with it the expert is whole.
        case completes
        /// It is late, doubled, or nobody asked for it.
        case drop
    }

    /// Why it cannot go on.
    public enum Failure: Equatable, Sendable {
        /// Nobody answered for so long.
        case silence(Duration)
        case refused(ChunkRefusalCode, String)
        /// The expert came whole twice, and was another one both times.
        case differs(ExpertDigest)
    }

    public let limits: Limits
    /// In the order in which they are fetched.
    public let wanted: [Wanted]
    /// The expert at hand; past the last when everything is here.
    public private(set) var place = 0
    public private(set) var failure: Failure?
    /// Bytes that were taken, without those that were here before.
    public private(set) var fetchedByteCount = 0

    /// Bytes of the expert at hand that are here.
    private var done = 0
    private var hasDiffered = false
    /// Asked for and not answered, oldest first.
    private var underWay: [Request] = []
    /// What to ask for next: an expert, and the first byte of it.
    private var nextPlace = 0
    private var nextOffset = 0
    private var lastID: UInt64 = 0
    private var lastArrival: Instant
    private var lastRequest: Instant
    private var pauseEnd = Instant(nanoseconds: .min)

    /// - Precondition: no expert has more than it should.
    public init(_ wanted: [Wanted], limits: Limits = Limits(), now: Instant) {
        precondition(wanted.allSatisfy { (0...$0.byteCount).contains($0.doneByteCount) })
        self.wanted = wanted
        self.limits = limits
        lastArrival = now
        lastRequest = now
        begin(0)
    }

    /// Whether everything is here.
    public var isComplete: Bool { place == wanted.count }

    /// When to call `tick`; nil once there is nothing to wait for.
    public var nextDeadline: Instant? {
        guard !isComplete, failure == nil else { return nil }
        let end = lastArrival + limits.patience
        guard underWay.isEmpty else { return min(end, lastRequest + limits.answerTime) }
        return min(end, pauseEnd)
    }

    /// What to ask for now.
    public mutating func requests(now: Instant) -> [Request] {
        guard failure == nil, now >= pauseEnd else { return [] }
        var requests: [Request] = []
        while underWay.count < limits.window, let request = nextRequest() {
            underWay.append(request)
            requests.append(request)
            lastRequest = now
        }
        return requests
    }

    /// A request could not be sent: nobody is connected right now.
    public mutating func onUnsent(now: Instant) { pause(now: now) }

    public mutating func onChunk(id: UInt64, byteCount: Int, now: Instant) -> Arrival {
        guard failure == nil, let index = underWay.firstIndex(where: { $0.id == id }),
            underWay[index].byteCount == byteCount
        else { return .drop }
        lastArrival = now
        guard index == 0 else {
            // Answers come in order, so those before it were lost.
            rewind()
            return .drop
        }
        underWay.removeFirst()
        done += byteCount
        fetchedByteCount += byteCount
        return done == wanted[place].byteCount ? .completes : .take
    }

    public mutating func onRefusal(
        id: UInt64,
        code: ChunkRefusalCode,
        reason: String,
        now: Instant
    ) {
        guard failure == nil, underWay.contains(where: { $0.id == id }) else { return }
        guard code == .overloaded else {
            failure = .refused(code, reason)
            return
        }
        lastArrival = now
        pause(now: now)
    }

    /// So many bytes of the expert at hand turned out to be here.
    public mutating func onBegun(doneByteCount: Int) {
        precondition(!isComplete && (0...wanted[place].byteCount).contains(doneByteCount))
        guard doneByteCount != done else { return }
        done = doneByteCount
        rewind()
    }

    /// The expert at hand is whole and is what it should be: the next one's turn.
    public mutating func onVerified() {
        precondition(!isComplete && done == wanted[place].byteCount, "expert \(place) is not whole")
        begin(place + 1)
    }

    /// The expert at hand is whole and another one: it is fetched once more, all of it.
    public mutating func onDiffering() {
        precondition(!isComplete && done == wanted[place].byteCount, "expert \(place) is not whole")
        guard !hasDiffered else {
            failure = .differs(wanted[place].digest)
            return
        }
        hasDiffered = true
        done = 0
        rewind()
    }

    public mutating func tick(now: Instant) {
        guard !isComplete, failure == nil else { return }
        guard now - lastArrival < limits.patience else {
            failure = .silence(now - lastArrival)
            return
        }
        if !underWay.isEmpty, now - lastRequest >= limits.answerTime { rewind() }
    }

    // MARK: - Steps

    private mutating func begin(_ next: Int) {
        place = next
        hasDiffered = false
        done = isComplete ? 0 : wanted[place].doneByteCount
        // What is under way already is of this one and those after it.
        if underWay.isEmpty { rewind() }
    }

    private mutating func pause(now: Instant) {
        rewind()
        pauseEnd = now + limits.pause
    }

    /// Asks again from the first byte that is missing; what is under way will not be taken.
    private mutating func rewind() {
        underWay = []
        nextPlace = place
        nextOffset = done
    }

    private mutating func nextRequest() -> Request? {
        while nextPlace < wanted.count, nextOffset == wanted[nextPlace].byteCount {
            // The one at hand may be whole and not verified, and then be wanted once more.
            nextPlace += 1
            nextOffset = nextPlace < wanted.count ? wanted[nextPlace].doneByteCount : 0
        }
        guard nextPlace < wanted.count else { return nil }
        let expert = wanted[nextPlace]
        let count = min(limits.chunkByteCount, expert.byteCount - nextOffset)
        lastID += 1
        defer { nextOffset += count }
        return Request(
            id: lastID,
            digest: expert.digest,
            offset: nextOffset,
            byteCount: count,
            place: nextPlace
        )
    }
}

extension ExpertFetch {
    /// Bounds and times of a fetch.
    public struct Limits: Equatable, Sendable {
        /// Bytes of one chunk: enough to keep a link busy while the next is asked for, and so few
        /// that shares on the same link wait a few milliseconds for it.
        public var chunkByteCount = 512 << 10
        /// Requests under way; with the chunks' size, what lies in queues for one worker.
        public var window = 4
        /// After so long without an answer, it asks again.
        public var answerTime = Duration.seconds(2)
        /// After so long without an answer, it gives up: the worker tries again later.
        public var patience = Duration.seconds(30)
        /// Between two attempts where the other side has no time, or is not there.
        public var pause = Duration.milliseconds(50)

        public init() {}
    }
}
