import Foundation
import GRDB
import Ledger
import Testing

@Suite("A ledger that is not in order")
struct DamageTests {
    /// A ledger of some pages, closed.
    private func filled() throws -> LedgerPlace {
        let place = try LedgerPlace()
        let store = try place.open()
        for number in 1...40 as ClosedRange<UInt64> {
            let request = [UInt8](repeating: UInt8(number), count: 3000)
            _ = try store.write([.record(.made(number, request: request))])
        }
        return place
    }

    private func overwrite(_ place: LedgerPlace, at offset: UInt64, count: Int) throws {
        let file = try FileHandle(forWritingTo: URL(filePath: place.path))
        try file.seek(toOffset: offset)
        try file.write(contentsOf: Data(repeating: 0x5A, count: count))
        try file.close()
    }

    @Test("Each page in turn is damaged: a typed refusal at start or what was written, no crash")
    func pages() throws {
        let whole = try filled()
        let size = try Data(contentsOf: URL(filePath: whole.path)).count
        var refused = 0
        for page in 0..<size / 4096 {
            let place = try whole.copy()
            try overwrite(place, at: UInt64(page * 4096), count: 4096)
            do throws(LedgerError) {
                let store = try place.open()
                for job in try store.unfinished(after: nil) { #expect(job.promptTokenCount == 7) }
            } catch {
                guard case .damaged(let path, _) = error else {
                    Issue.record("page \(page): \(error)")
                    continue
                }
                #expect(path == place.path)
                refused += 1
            }
        }
        #expect(refused > 3)
    }

    @Test("A file that is no database is refused and left as it is")
    func noDatabase() throws {
        let place = try LedgerPlace()
        let text = Data(String(repeating: "no database ", count: 1000).utf8)
        try text.write(to: URL(filePath: place.path))
        #expect {
            try place.open()
        } throws: { error in
            if case .damaged? = error as? LedgerError { true } else { false }
        }
        #expect(try Data(contentsOf: URL(filePath: place.path)) == text)
    }

    @Test("A ledger of a later release is refused, with both versions")
    func newer() throws {
        let place = try filled()
        try DatabaseQueue(path: place.path).write { try $0.execute(sql: "PRAGMA user_version = 9") }
        #expect(throws: LedgerError.newer(path: place.path, version: 9, supported: 1)) {
            try place.open()
        }
    }

    @Test("A directory that is missing, and a directory in the file's place")
    func unopenable() throws {
        let place = try LedgerPlace()
        for path in [place.directory.path + "/none/jobs.sqlite", place.directory.path] {
            #expect(throws: LedgerError.failed(path: path, reason: "it cannot be opened")) {
                _ = try LedgerStore(path: path) { 0 }
            }
        }
    }

    @Test("Somebody who keeps the file locked")
    func busy() throws {
        let place = try filled()
        let store = try place.open()
        let other = try DatabaseQueue(path: place.path)
        try other.writeWithoutTransaction { database in
            try database.execute(sql: "BEGIN IMMEDIATE")
            #expect(throws: LedgerError.busy(path: place.path)) {
                _ = try store.write([.record(.made(99))])
            }
            try database.execute(sql: "ROLLBACK")
        }
        _ = try store.write([.record(.made(99))])
    }

    @Test("Checking every page ends in time, and says whether it came to the end")
    func bounded() throws {
        let place = try filled()
        var limits = LedgerLimits()
        limits.checkTime = .seconds(600)
        #expect(try place.open(limits).isWhollyChecked)
    }
}
