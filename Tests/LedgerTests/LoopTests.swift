import GRDB
import Ledger
import Testing

@Suite("The ledger's thread")
struct LoopTests {
    private let full = LedgerError.noRoom(path: "p")

    @Test("Jobs that come together are recorded together, and a ticket's second one is told")
    func together() throws {
        let bench = try LoopBench { () throws(LedgerError) in
            try LedgerStore(path: nil) { 0 }
        }
        let said = bench.turn(
            .record(.made(1)),
            .record(.made(2, ticket: "t")),
            .record(.made(3, ticket: "t"))
        )
        #expect(
            said == [
                .health(nil), .recorded(.made(1)), .recorded(.made(2)),
                .known(.made(3), as: .made(2)),
            ]
        )
    }

    @Test("A job may be recorded, continued and ended in one turn")
    func wholeLife() throws {
        let bench = try LoopBench { () throws(LedgerError) in
            try LedgerStore(path: nil) { 0 }
        }
        let said = bench.turn(
            .record(.made(1)),
            .append(.made(1), from: 0, [4]),
            .end(.made(1), .made("x")),
            .find(.made(1), question: 8),
            .resume(after: nil),
            .list(count: 9, question: 9)
        )
        #expect(said.dropFirst().prefix(2) == [.recorded(.made(1)), .ended(.made(1))])
        guard case .found(let entry?, question: 8) = said[3] else {
            Issue.record("\(said)")
            return
        }
        #expect(entry.text == "x")
        #expect(said[4] == .unfinished([]))
    }

    @Test("Where the ledger cannot be opened, jobs are refused with the reason until it can")
    func opensLater() throws {
        let bench = try LoopBench { () throws(LedgerError) in
            try LedgerStore(path: nil) { 0 }
        }
        bench.failure = full
        #expect(bench.turn(.record(.made(1))) == [.health(full), .refused(.made(1), full)])
        #expect(bench.timeout != nil)
        #expect(
            bench.turn(.find(.made(1), question: 3), .resume(after: nil)) == [
                .unanswered(full, question: 3)
            ]
        )
        bench.failure = nil
        #expect(bench.turn(.record(.made(1))) == [.health(nil), .recorded(.made(1))])
        #expect(bench.timeout == nil)
    }

    @Test("Where there is no room for jobs, those under way go on and end")
    func endsHaveRoom() throws {
        let place = try LedgerPlace()
        var limits = LedgerLimits()
        limits.byteCount = 300_000
        let bench = try LoopBench { () throws(LedgerError) in try place.open(limits) }
        let large = [UInt8](repeating: 1, count: 30_000)
        let none = LedgerError.noRoom(path: place.path)
        var said: [LedgerReport] = []
        var number: UInt64 = 0
        while !said.contains(.refused(.made(number), none)) {
            number += 1
            said = bench.turn(
                .append(.made(1), from: Int(number), [1]),
                .record(.made(number, request: large))
            )
        }
        #expect(said == [.health(none), .refused(.made(number), none), .health(nil)])
        #expect(
            bench.turn(.record(.made(99, request: large)), .end(.made(1), .made("x"))) == [
                .health(none), .refused(.made(99), none), .health(nil), .ended(.made(1)),
            ]
        )
    }

    @Test("An end that cannot be written waits, and is told when it is written")
    func endsWait() throws {
        let place = try LedgerPlace()
        let bench = try LoopBench { () throws(LedgerError) in try place.open() }
        #expect(bench.turn(.record(.made(1))).last == .recorded(.made(1)))
        let other = try DatabaseQueue(path: place.path)
        let busy = LedgerError.busy(path: place.path)
        try other.writeWithoutTransaction { database in
            try database.execute(sql: "BEGIN IMMEDIATE")
            #expect(
                bench.turn(.append(.made(1), from: 0, [1]), .end(.made(1), .made()))
                    == [.health(busy)]
            )
            #expect(bench.timeout != nil)
            try database.execute(sql: "ROLLBACK")
        }
        #expect(bench.turn() == [.health(nil), .ended(.made(1))])
        #expect(bench.timeout == nil)
        #expect(bench.turn() == [])
    }

    @Test("A damaged ledger is not tried again, and holds nobody's end back")
    func damaged() throws {
        let bench = try LoopBench { () throws(LedgerError) in
            try LedgerStore(path: nil) { 0 }
        }
        let damage = LedgerError.damaged(path: "p", reason: "r")
        bench.failure = damage
        #expect(bench.turn(.record(.made(1))) == [.health(damage), .refused(.made(1), damage)])
        bench.failure = nil
        #expect(bench.timeout == nil)
        #expect(bench.turn(.end(.made(1), .made())) == [.ended(.made(1))])
    }

    @Test("It stops after what came before the word to stop is written")
    func stops() throws {
        let bench = try LoopBench { () throws(LedgerError) in
            try LedgerStore(path: nil) { 0 }
        }
        #expect(bench.turn(.record(.made(1)), .stop).contains(.recorded(.made(1))))
        #expect(bench.hasStopped)
    }

    @Test("Job ids are read as they are written, and nothing else is")
    func ids() {
        let id = JobID(life: 3, number: 12)
        #expect(JobID("\(id)") == id)
        for text in ["", "job", "job-1", "job-1-2-3", "job-01-2", "job--1-2", "Job-1-2", "job-1-x"]
        {
            #expect(JobID(text) == nil, "\(text)")
        }
    }
}
