import Foundation
import Ledger
import Testing

@Suite("The ledger's file")
struct StoreTests {
    @Test("What was written is there after a crash: jobs, their tokens in order, their ends")
    func crash() throws {
        let place = try LedgerPlace()
        let store = try place.open()
        #expect(store.isWhollyChecked)
        _ = try store.write([.record(.made(1)), .record(.made(2)), .record(.made(3))])
        _ = try store.write([
            .append(.made(1), from: 0, [5, -6]), .append(.made(2), from: 0, [1]),
        ])
        _ = try store.write([.append(.made(1), from: 2, [.max]), .end(.made(3), .made("three"))])

        let after = try place.copy().open()
        let jobs = try after.unfinished(after: nil)
        #expect(jobs.map(\.id) == [.made(1), .made(2)])
        #expect(jobs.map(\.tokens) == [[5, -6, .max], [1]])
        #expect(jobs.first?.request == [1, 2, 3])
        #expect(jobs.first?.model == "tiny")
        let entry = try #require(try after.entry(.made(3)))
        #expect(entry.state == .completed)
        #expect(entry.text == "three")
        #expect(entry.report == Array("three".utf8))
        #expect(try after.latest(2).map(\.id) == [.made(2), .made(3)])
        #expect(try after.entry(.made(4)) == nil)
    }

    @Test("A job ends once, and takes no tokens afterwards")
    func endsOnce() throws {
        let store = try LedgerStore(path: nil) { 0 }
        _ = try store.write([.record(.made(1)), .end(.made(1), .made("first"))])
        _ = try store.write([
            .end(.made(1), .made("second", state: .failed)), .append(.made(1), from: 0, [1]),
        ])
        #expect(try store.entry(.made(1))?.text == "first")
        #expect(try store.entry(.made(1))?.state == .completed)
        #expect(try store.unfinished(after: nil) == [])
    }

    @Test("Tokens that are there are not taken twice, and none after a gap")
    func tokens() throws {
        let store = try LedgerStore(path: nil) { 0 }
        _ = try store.write([.record(.made(1)), .append(.made(1), from: 0, [1, 2])])
        _ = try store.write([
            .append(.made(1), from: 0, [8]), .append(.made(1), from: 1, [9]),
            .append(.made(1), from: 3, [9]), .append(.made(1), from: 2, [3]),
        ])
        #expect(try store.unfinished(after: nil).first?.tokens == [1, 2, 3])
    }

    @Test("A ticket names one job for ever")
    func tickets() throws {
        let place = try LedgerPlace()
        var store: LedgerStore? = try place.open()
        #expect(try store?.write([.record(.made(1, ticket: "a")), .record(.made(2))]) == [:])
        store = nil
        store = try place.open()
        let known = try store?.write([
            .record(.made(1, life: 2, ticket: "a")), .record(.made(2, life: 2, ticket: "b")),
            .record(.made(3, life: 2, ticket: "b")),
        ])
        #expect(
            known == [
                .made(1, life: 2): .made(1), .made(3, life: 2): .made(2, life: 2),
            ]
        )
    }

    @Test("Unfinished jobs are read a few at a time, the oldest first")
    func pages() throws {
        var limits = LedgerLimits()
        limits.unfinishedCount = 2
        let store = try LedgerStore(path: nil, limits: limits) { 0 }
        let jobs = [LedgerJob.made(2), .made(1), .made(1, life: 2), .made(4), .made(3)]
        _ = try store.write(jobs.map { .record($0) } + [.end(.made(3), .made())])
        var seen: [JobID] = []
        while true {
            let page = try store.unfinished(after: seen.last)
            guard !page.isEmpty else { break }
            #expect(page.count <= 2)
            seen += page.map(\.id)
        }
        #expect(seen == [.made(1), .made(2), .made(4), .made(1, life: 2)])
    }

    @Test(
        "Random writes and crashes leave what a dictionary says",
        arguments: 0..<8 as Range<UInt64>
    )
    func property(seed: UInt64) throws {
        var random = Mixed(state: seed)
        var place = try LedgerPlace()
        var store = try place.open()
        var tokens: [JobID: [Int32]] = [:]
        var over: Set<JobID> = []
        for number in 1...120 as ClosedRange<UInt64> {
            var writes: [LedgerStore.Write] = [.record(.made(number))]
            tokens[.made(number)] = []
            for _ in 0..<3 {
                let id = JobID.made(UInt64.random(in: 1...number, using: &random))
                guard !over.contains(id) else { continue }
                if Int.random(in: 0..<4, using: &random) == 0 {
                    writes.append(.end(id, .made()))
                    over.insert(id)
                } else {
                    let made = [Int32.random(in: 0..<9, using: &random)]
                    writes.append(.append(id, from: tokens[id]?.count ?? 0, made))
                    tokens[id]? += made
                }
            }
            _ = try store.write(writes)
            guard Int.random(in: 0..<10, using: &random) == 0 else { continue }
            place = try place.copy()
            store = try place.open()
        }
        var found: [JobID: [Int32]] = [:]
        while true {
            let page = try store.unfinished(after: found.keys.max())
            guard !page.isEmpty else { break }
            for job in page { found[job.id] = job.tokens }
        }
        #expect(found == tokens.filter { !over.contains($0.key) }, "seed \(seed)")
        #expect(try store.latest(1000).count { $0.state == .completed } == over.count)
    }

    private struct Mixed: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            let mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
            return mixed ^ (mixed >> 27)
        }
    }
}

@Suite("What the ledger forgets")
struct RetentionTests {
    @Test("Ended jobs give way by number, the oldest end first; unfinished ones never")
    func count() throws {
        var limits = LedgerLimits()
        limits.endedCount = 3
        limits.pruneInterval = 1
        let store = try LedgerStore(path: nil, limits: limits) { 0 }
        for number in 1...6 as ClosedRange<UInt64> {
            _ = try store.write([.record(.made(number))])
            if number != 2 { _ = try store.write([.end(.made(number), .made())]) }
        }
        #expect(try store.latest(9).map(\.id.number) == [2, 4, 5, 6])
    }

    @Test("Ended jobs give way by age")
    func age() throws {
        let place = try LedgerPlace()
        var limits = LedgerLimits()
        limits.endedAge = .seconds(60)
        for (number, time) in [(1, 1000), (2, 1050), (3, 1061)] as [(UInt64, UInt64)] {
            let store = try place.open(limits, now: time)
            _ = try store.write([.record(.made(number)), .end(.made(number), .made())])
        }
        #expect(try place.open(limits, now: 1061).latest(9).map(\.id.number) == [2, 3])
    }

    @Test("Ended jobs give way by bytes; where that does not help, new ones are refused")
    func bytes() throws {
        var limits = LedgerLimits()
        limits.byteCount = 1 << 20
        limits.pruneInterval = 1
        let place = try LedgerPlace()
        let store = try place.open(limits)
        let large = [UInt8](repeating: 7, count: 50_000)
        for number in 1...60 as ClosedRange<UInt64> {
            _ = try store.write([.record(.made(number, request: large))])
            let text = String(repeating: "a", count: 50_000)
            _ = try store.write([.end(.made(number), .made(text))])
        }
        #expect(try (1...15).contains(store.latest(99).count))
        #expect(throws: LedgerError.noRoom(path: place.path)) {
            for number in 100...140 as ClosedRange<UInt64> {
                _ = try store.write([.record(.made(number, request: large))])
            }
        }
        // What was taken in is still there, and can end.
        let waiting = try store.unfinished(after: nil)
        #expect(waiting.count > 10)
        for job in waiting { _ = try store.write([.end(job.id, .made("x"))]) }
        _ = try store.write([.record(.made(200, request: large))])
    }
}
