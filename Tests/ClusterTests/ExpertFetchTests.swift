import Cluster
import Model
import Testing

@Suite("Fetching experts")
struct ExpertFetchTests {
    /// What lies between a fetch and a server that answers every request in order.
    private struct Link {
        var random: SeededRandom
        var loss: Double
        var queue: [(id: UInt64, place: Int, offset: Int, count: Int)] = []

        mutating func happens(_ chance: Double) -> Bool {
            Double.random(in: 0..<1, using: &random) < chance
        }
    }

    private static func wanted(_ counts: [(Int, done: Int)]) -> [ExpertFetch.Wanted] {
        counts.enumerated().map { place, count in
            ExpertFetch.Wanted(
                digest: ExpertDigest(bytes: [UInt8](repeating: UInt8(place), count: 32)),
                byteCount: count.0,
                doneByteCount: count.done
            )
        }
    }

    private static var limits: ExpertFetch.Limits {
        var limits = ExpertFetch.Limits()
        limits.chunkByteCount = 100
        return limits
    }

    @Test(
        "Over a link that loses, doubles and reorders, every byte comes once and in order",
        arguments: UInt64(1)...200
    )
    func property(seed: UInt64) {
        var link = Link(random: SeededRandom(seed: seed), loss: Double(seed % 4) / 10)
        let wanted = Self.wanted(
            (0..<6).map { _ in
                let count = Int.random(in: 1...900, using: &link.random)
                return (count, done: Bool.random(using: &link.random) ? count / 3 : 0)
            }
        )
        var now = Instant(nanoseconds: 0)
        var fetch = ExpertFetch(wanted, limits: Self.limits, now: now)
        var have = wanted.map(\.doneByteCount)
        var hasDiffered: Set<Int> = []
        var steps = 0
        while !fetch.isComplete, fetch.failure == nil, steps < 20_000 {
            steps += 1
            for request in fetch.requests(now: now) {
                let place = Int(request.digest.bytes[0])
                #expect(request.offset + request.byteCount <= wanted[place].byteCount)
                #expect((1...100).contains(request.byteCount))
                if link.happens(link.loss) { continue }
                let answer = (request.id, place, request.offset, request.byteCount)
                link.queue.append(answer)
                if link.happens(link.loss / 4) { link.queue.append(answer) }
            }
            if link.happens(link.loss / 8) { link.queue.shuffle(using: &link.random) }
            guard !link.queue.isEmpty else {
                guard let deadline = fetch.nextDeadline else { break }
                now = max(now + .nanoseconds(1), deadline)
                fetch.tick(now: now)
                continue
            }
            let answer = link.queue.removeFirst()
            now = now + .microseconds(50)
            let arrival = fetch.onChunk(id: answer.id, byteCount: answer.count, now: now)
            guard arrival != .drop else { continue }
            #expect(answer.place == fetch.place, "seed \(seed)")
            #expect(answer.offset == have[answer.place], "seed \(seed)")
            have[answer.place] += answer.count
            let isWhole = have[answer.place] == wanted[answer.place].byteCount
            #expect((arrival == .completes) == isWhole)
            guard isWhole else { continue }
            if link.happens(0.2), hasDiffered.insert(answer.place).inserted {
                have[answer.place] = 0
                fetch.onDiffering()
            } else {
                fetch.onVerified()
            }
        }
        #expect(fetch.isComplete, "seed \(seed): \(String(describing: fetch.failure))")
        #expect(have == wanted.map(\.byteCount))
    }

    @Test("No more requests are under way than the window has, and none while it pauses")
    func window() {
        var now = Instant(nanoseconds: 0)
        var fetch = ExpertFetch(Self.wanted([(250, 0), (1000, 0)]), limits: Self.limits, now: now)
        let first = fetch.requests(now: now)
        #expect(first.map(\.offset) == [0, 100, 200, 0])
        #expect(first.map(\.byteCount) == [100, 100, 50, 100])
        #expect(fetch.requests(now: now).isEmpty)
        fetch.onRefusal(id: first[0].id, code: .overloaded, reason: "", now: now)
        #expect(fetch.requests(now: now).isEmpty)
        now = now + fetch.limits.pause
        #expect(fetch.requests(now: now).map(\.offset) == [0, 100, 200, 0])
        #expect(fetch.onChunk(id: first[0].id, byteCount: 100, now: now) == .drop)
    }

    @Test("A gap in what comes is asked for again at once")
    func gap() {
        let now = Instant(nanoseconds: 0)
        var fetch = ExpertFetch(Self.wanted([(400, 0)]), limits: Self.limits, now: now)
        let first = fetch.requests(now: now)
        #expect(fetch.onChunk(id: first[0].id, byteCount: 100, now: now) == .take)
        #expect(fetch.onChunk(id: first[2].id, byteCount: 100, now: now) == .drop)
        #expect(fetch.requests(now: now).map(\.offset) == [100, 200, 300])
    }

    @Test("It ends with a reason: silence, a refusal, or another expert twice")
    func failures() {
        let start = Instant(nanoseconds: 0)
        var silent = ExpertFetch(Self.wanted([(100, 0)]), now: start)
        var now = start
        while silent.failure == nil, let deadline = silent.nextDeadline {
            now = max(deadline, now + .milliseconds(1))
            _ = silent.requests(now: now)
            silent.tick(now: now)
        }
        #expect(silent.failure == .silence(silent.limits.patience))

        var refused = ExpertFetch(Self.wanted([(100, 0)]), now: start)
        let request = refused.requests(now: start)[0]
        refused.onRefusal(id: request.id &+ 1, code: .unknownExpert, reason: "", now: start)
        #expect(refused.failure == nil)
        refused.onRefusal(id: request.id, code: .unknownExpert, reason: "no", now: start)
        #expect(refused.failure == .refused(.unknownExpert, "no"))
        #expect(refused.requests(now: start).isEmpty && refused.nextDeadline == nil)

        let wanted = Self.wanted([(100, 0)])
        var wrong = ExpertFetch(wanted, now: start)
        for _ in 0..<2 {
            let request = wrong.requests(now: start)[0]
            #expect(wrong.onChunk(id: request.id, byteCount: 99, now: start) == .drop)
            #expect(wrong.onChunk(id: request.id, byteCount: 100, now: start) == .completes)
            wrong.onDiffering()
        }
        #expect(wrong.failure == .differs(wanted[0].digest))
    }

    @Test("What turns out to be here is not fetched, what turns out to be missing is")
    func begun() {
        let now = Instant(nanoseconds: 0)
        var fetch = ExpertFetch(Self.wanted([(400, 300)]), limits: Self.limits, now: now)
        #expect(fetch.requests(now: now).map(\.offset) == [300])
        fetch.onBegun(doneByteCount: 200)
        #expect(fetch.requests(now: now).map(\.offset) == [200, 300])
        fetch.onBegun(doneByteCount: 400)
        #expect(fetch.requests(now: now).isEmpty)
        fetch.onVerified()
        #expect(fetch.isComplete && fetch.nextDeadline == nil && fetch.fetchedByteCount == 0)
    }
}

@Suite("The pace of chunks")
struct ChunkPaceTests {
    @Test(
        "Over any second no more leaves than the rate and one chunk",
        arguments: [1, 1000, 1 << 40]
    )
    func rate(_ rate: Int) {
        let chunk = 512
        var now = Instant(nanoseconds: 0)
        var pace = ChunkPace(rate: rate, now: now)
        var sent = 0
        let end = now + .seconds(10)
        while now < end, sent < 1 << 20 {
            if let next = pace.nextTime(now: now) {
                #expect(next > now)
                now = next
                continue
            }
            pace.onSent(chunk, now: now)
            sent += chunk
            let seconds = (now - Instant(nanoseconds: 0)) / .seconds(1)
            #expect(Double(sent) <= Double(rate) * (seconds + 0.1) + Double(chunk) + 1)
        }
        #expect(Double(sent) >= min(Double(rate) * 9, Double(1 << 20)) || rate < chunk)
    }

    @Test("Without a bound nothing waits, and a bound can come and go")
    func unbounded() {
        let now = Instant(nanoseconds: 0)
        var pace = ChunkPace(rate: nil, now: now)
        for _ in 0..<100 {
            pace.onSent(1 << 20, now: now)
            #expect(pace.nextTime(now: now) == nil)
        }
        pace.setRate(1 << 20, now: now)
        pace.onSent(1 << 20, now: now)
        #expect(pace.nextTime(now: now) != nil)
        pace.setRate(nil, now: now)
        #expect(pace.nextTime(now: now) == nil)
    }
}
