import Foundation
import GRDB

extension LedgerStore {
    /// Jobs that have not ended, oldest first, as many as are read at a time.
    ///
    /// - Parameter last: the one to begin after; nil for the first.
    public func unfinished(after last: JobID?) throws(LedgerError) -> [LedgerJob] {
        let start = last ?? JobID(life: 0, number: 0)
        let limit = limits.unfinishedCount
        return try perform { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM job
                    WHERE state IN (0, 1) AND (life, number) > (?, ?)
                    ORDER BY life, number LIMIT ?
                    """,
                arguments: [start.life, start.number, limit]
            ).map { row in
                LedgerJob(
                    id: JobID(life: row["life"], number: row["number"]),
                    ticket: row["ticket"],
                    task: row["task"],
                    owner: row["owner"],
                    promptTokenCount: row["promptTokenCount"],
                    submittedAt: row["submittedAt"],
                    model: row["model"],
                    request: Array(row["request"] as Data),
                    tokens: try self.tokens(of: row["row"], in: database)
                )
            }
        }
    }

    private func tokens(of row: Int64, in database: Database) throws -> [Int32] {
        var tokens: [Int32] = []
        let pieces = try Row.fetchCursor(
            database,
            sql: "SELECT first, tokens FROM piece WHERE job = ? ORDER BY first",
            arguments: [row]
        )
        while let piece = try pieces.next() {
            let first: Int = piece["first"]
            // What comes after a gap would be in the wrong place; it is made again.
            guard first == tokens.count, let more = TokenBytes.tokens(piece["tokens"]) else {
                break
            }
            tokens += more
        }
        return tokens
    }

    /// Writes a little that changes nothing: whether there is room shows only then.
    func probe() throws(LedgerError) {
        try perform { try $0.execute(sql: "PRAGMA user_version = \(LedgerSchema.version)") }
    }

    /// What is known of a job, with its answer; nil for none of that name.
    public func entry(_ id: JobID) throws(LedgerError) -> LedgerEntry? {
        try perform { database in
            try Row.fetchOne(
                database,
                sql: "SELECT * FROM job WHERE life = ? AND number = ?",
                arguments: [id.life, id.number]
            ).map { row in
                var entry = Self.entry(row)
                entry.text = row["text"]
                entry.report = (row["report"] as Data?).map { Array($0) } ?? []
                return entry
            }
        }
    }

    /// The job that a ticket names; nil for none.
    public func owner(of ticket: String) throws(LedgerError) -> JobID? {
        try perform { try Self.owner(of: ticket, in: $0) }
    }

    /// The latest jobs, oldest first.
    public func latest(_ count: Int) throws(LedgerError) -> [LedgerEntry] {
        try perform { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT life, number, state, task, promptTokenCount, generatedTokenCount,
                        submittedAt, message
                    FROM job ORDER BY life DESC, number DESC LIMIT ?
                    """,
                arguments: [count]
            ).reversed().map(Self.entry)
        }
    }

    private static func entry(_ row: Row) -> LedgerEntry {
        LedgerEntry(
            id: JobID(life: row["life"], number: row["number"]),
            state: LedgerState(rawValue: row["state"]) ?? .failed,
            task: row["task"],
            promptTokenCount: row["promptTokenCount"],
            generatedTokenCount: row["generatedTokenCount"],
            submittedAt: row["submittedAt"],
            message: row["message"]
        )
    }
}

/// Tokens as the ledger keeps them: four bytes each, the lowest first.
enum TokenBytes {
    static func data(_ tokens: [Int32]) -> Data {
        var data = Data(capacity: tokens.count * 4)
        for token in tokens {
            let bits = UInt32(bitPattern: token)
            for shift in [0, 8, 16, 24] as [UInt32] {
                data.append(UInt8(truncatingIfNeeded: bits >> shift))
            }
        }
        return data
    }

    /// - Returns: nil where the bytes are no whole tokens.
    static func tokens(_ data: Data) -> [Int32]? {
        guard data.count.isMultiple(of: 4) else { return nil }
        let bytes = Array(data)
        return stride(from: 0, to: bytes.count, by: 4).map { start in
            let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << (8 * $1) }
            return Int32(bitPattern: bits)
        }
    }
}
