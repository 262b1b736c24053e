import Dispatch
import Foundation
import GRDB

/// The ledger's file: an SQLite database with a write-ahead log.
///
/// What `write` has returned from is on disk. Used by one thread. Nothing outside of this target
/// knows SQL.
public final class LedgerStore {
    /// One thing to be written; several become durable together.
    public enum Write: Equatable, Sendable {
        case record(LedgerJob)
        /// Tokens of a job under way, the first at this index of its answer.
        case append(JobID, from: Int, [Int32])
        case end(JobID, LedgerEnding)
    }

    let path: String
    let limits: LedgerLimits
    private let queue: DatabaseQueue
    /// Seconds since 1970.
    private let now: () -> UInt64
    private var endsSincePruning = 0
    /// Whether all pages were read at start, and found in order.
    public private(set) var isWhollyChecked = false

    /// How long somebody else may have the file locked.
    private static let patience: TimeInterval = 2
    /// Of the write-ahead log, once it was copied back.
    private static let logByteCount = 16 << 20

    /// Opens the file, making it where it is missing, and checks it.
    ///
    /// - Parameters:
    ///   - path: nil keeps everything in memory, for tests.
    ///   - now: the time in seconds since 1970, for what is kept.
    public init(
        path: String?,
        limits: LedgerLimits = LedgerLimits(),
        now: @escaping () -> UInt64
    ) throws(LedgerError) {
        self.path = path ?? ":memory:"
        self.limits = limits
        self.now = now
        queue = try Self.open(path, limits)
        try migrate()
        try check()
        try perform { try self.prune($0) }
    }

    private static func open(
        _ path: String?,
        _ limits: LedgerLimits
    ) throws(LedgerError) -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "moiety-ledger"
        configuration.busyMode = .timeout(patience)
        configuration.prepareDatabase { database in
            // Before anything else, and only once per file: a log, and each commit on disk.
            if path != nil { try database.execute(sql: "PRAGMA journal_mode = WAL") }
            try database.execute(sql: "PRAGMA synchronous = FULL")
            try database.execute(sql: "PRAGMA journal_size_limit = \(logByteCount)")
            let page = try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 4096
            let pageCount = max(16, limits.byteCount / page)
            try database.execute(sql: "PRAGMA max_page_count = \(pageCount)")
        }
        return try translating(path ?? ":memory:") {
            guard let path else { return try DatabaseQueue(configuration: configuration) }
            return try DatabaseQueue(path: path, configuration: configuration)
        }
    }

    private func migrate() throws(LedgerError) {
        let found = try perform { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
        guard found <= LedgerSchema.version else {
            throw .newer(path: path, version: found, supported: LedgerSchema.version)
        }
        for version in max(0, found)..<LedgerSchema.version {
            try perform { database in
                try LedgerSchema.changes[version](database)
                try database.execute(sql: "PRAGMA user_version = \(version + 1)")
            }
        }
    }

    /// Reads the pages, as far as there is time.
    private func check() throws(LedgerError) {
        let alarm = DispatchWorkItem { [weak queue] in queue?.interrupt() }
        let time = DispatchTimeInterval.milliseconds(Int(limits.checkTime / .milliseconds(1)))
        DispatchQueue.global().asyncAfter(deadline: .now() + time, execute: alarm)
        defer { alarm.cancel() }
        do {
            let finding = try queue.read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
            guard finding == "ok" else {
                throw LedgerError.damaged(path: path, reason: finding ?? "it cannot be checked")
            }
            isWhollyChecked = true
        } catch let error as DatabaseError where error.resultCode == .SQLITE_INTERRUPT {
            isWhollyChecked = false
        } catch {
            throw LedgerError(error, path: path)
        }
    }

    // MARK: Writing

    /// Writes all or nothing, and returns when it is on disk.
    ///
    /// - Returns: jobs not recorded because their tickets name others already, with these.
    public func write(_ writes: [Write]) throws(LedgerError) -> [JobID: JobID] {
        var known: [JobID: JobID] = [:]
        try perform { database in
            try self.makeRoom(for: writes, in: database)
            for write in writes {
                switch write {
                case .record(let job):
                    if let other = try Self.owner(of: job.ticket, in: database) {
                        known[job.id] = other
                    } else {
                        try Self.record(job, in: database)
                    }
                case .append(let id, let first, let tokens):
                    try Self.append(tokens, from: first, to: id, in: database)
                case .end(let id, let ending):
                    try Self.end(id, ending, at: self.now(), in: database)
                    self.endsSincePruning += 1
                }
            }
            if self.endsSincePruning >= self.limits.pruneInterval { try self.prune(database) }
        }
        return known
    }

    static func owner(of ticket: String?, in database: Database) throws -> JobID? {
        guard let ticket else { return nil }
        return try Row.fetchOne(
            database,
            sql: "SELECT life, number FROM job WHERE ticket = ?",
            arguments: [ticket]
        ).map { JobID(life: $0["life"], number: $0["number"]) }
    }

    private static func record(_ job: LedgerJob, in database: Database) throws {
        try database.execute(
            sql: """
                INSERT INTO job
                    (life, number, ticket, state, task, owner, promptTokenCount, submittedAt,
                    model, request)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                job.id.life, job.id.number, job.ticket, LedgerState.queued.rawValue, job.task,
                job.owner, job.promptTokenCount, job.submittedAt, job.model, Data(job.request),
            ]
        )
        if !job.tokens.isEmpty { try append(job.tokens, from: 0, to: job.id, in: database) }
    }

    /// A job that has ended, or is unknown, takes no more; nor are tokens taken twice.
    private static func append(
        _ tokens: [Int32],
        from first: Int,
        to id: JobID,
        in database: Database
    ) throws {
        try database.execute(
            sql: """
                INSERT OR IGNORE INTO piece
                SELECT row, ?, ? FROM job
                WHERE life = ? AND number = ? AND state IN (0, 1) AND generatedTokenCount = ?
                """,
            arguments: [first, TokenBytes.data(tokens), id.life, id.number, first]
        )
        guard database.changesCount > 0 else { return }
        try database.execute(
            sql: """
                UPDATE job SET state = 1, generatedTokenCount = ? WHERE life = ? AND number = ?
                """,
            arguments: [first + tokens.count, id.life, id.number]
        )
    }

    /// Only once: a job that has ended stays as it is.
    private static func end(
        _ id: JobID,
        _ ending: LedgerEnding,
        at time: UInt64,
        in database: Database
    ) throws {
        try database.execute(
            sql: """
                DELETE FROM piece
                WHERE job = (SELECT row FROM job WHERE life = ? AND number = ?)
                """,
            arguments: [id.life, id.number]
        )
        try database.execute(
            sql: """
                UPDATE job
                SET state = ?, generatedTokenCount = ?, message = ?, text = ?, report = ?,
                    endedAt = ?, request = x''
                WHERE life = ? AND number = ? AND state IN (0, 1)
                """,
            arguments: [
                ending.state.rawValue, ending.tokenCount, ending.message, ending.text,
                Data(ending.report), time, id.life, id.number,
            ]
        )
    }

    // MARK: Forgetting

    /// New jobs leave the last tenth of the file to the ends of those that are under way.
    private func makeRoom(for writes: [Write], in database: Database) throws {
        let wanted = writes.reduce(0) { sum, write in
            if case .record(let job) = write { sum + job.request.count } else { sum }
        }
        guard wanted > 0 else { return }
        func isTooLarge() throws -> Bool {
            try usedByteCount(database) + wanted > limits.byteCount / 10 * 9
        }
        guard try isTooLarge() else { return }
        try prune(database, for: wanted)
        if try isTooLarge() { throw LedgerError.noRoom(path: path) }
    }

    /// Forgets what ended long ago, or is one of too many.
    ///
    /// - Parameter wanted: bytes that are to be written.
    private func prune(_ database: Database, for wanted: Int = 0) throws {
        endsSincePruning = 0
        let age = UInt64(max(0, limits.endedAge / .seconds(1)))
        let time = now()
        try database.execute(
            sql: "DELETE FROM job WHERE state >= 2 AND endedAt < ?",
            arguments: [time > age ? time - age : 0]
        )
        let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM job WHERE state >= 2")
        try forget(max(0, (count ?? 0) - limits.endedCount), in: database)
        // By an eighth at a time, until the rest has room.
        while try usedByteCount(database) + wanted > limits.byteCount / 10 * 8 {
            let left = try Int.fetchOne(
                database,
                sql: "SELECT count(*) FROM job WHERE state >= 2"
            )
            guard let left, left > 0 else { return }
            try forget((left + 7) / 8, in: database)
        }
    }

    private func forget(_ count: Int, in database: Database) throws {
        guard count > 0 else { return }
        try database.execute(
            sql: """
                DELETE FROM job WHERE row IN
                (SELECT row FROM job WHERE state >= 2 ORDER BY endedAt, row LIMIT ?)
                """,
            arguments: [count]
        )
    }

    private func usedByteCount(_ database: Database) throws -> Int {
        let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
        let free = try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0
        let size = try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 0
        return (pages - free) * size
    }

    // MARK: Errors

    /// Runs one transaction.
    func perform<Value>(
        _ body: (Database) throws -> Value
    ) throws(LedgerError) -> Value {
        try Self.translating(path) { try queue.write(body) }
    }

    private static func translating<Value>(
        _ path: String,
        _ body: () throws -> Value
    ) throws(LedgerError) -> Value {
        do {
            return try body()
        } catch {
            throw LedgerError(error, path: path)
        }
    }
}
