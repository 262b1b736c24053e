import GRDB

/// Which tables there are, and how older ones become these.
///
/// The file's `user_version` counts the changes made so far, so that an older release can tell
/// that a file is not for it.
enum LedgerSchema {
    /// Each brings a file from the version of its index to the next.
    static let changes: [@Sendable (Database) throws -> Void] = [createTables]

    static var version: Int { changes.count }

    private static func createTables(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE job (
                    row INTEGER PRIMARY KEY,
                    life INTEGER NOT NULL,
                    number INTEGER NOT NULL,
                    ticket TEXT UNIQUE,
                    state INTEGER NOT NULL,
                    task TEXT,
                    owner TEXT NOT NULL,
                    promptTokenCount INTEGER NOT NULL,
                    generatedTokenCount INTEGER NOT NULL DEFAULT 0,
                    submittedAt INTEGER NOT NULL,
                    endedAt INTEGER,
                    model TEXT NOT NULL,
                    request BLOB NOT NULL,
                    message TEXT NOT NULL DEFAULT '',
                    text TEXT NOT NULL DEFAULT '',
                    report BLOB,
                    UNIQUE (life, number)
                );
                CREATE INDEX jobByState ON job (state, endedAt);
                -- Tokens of jobs under way, a row for each time that some were recorded.
                CREATE TABLE piece (
                    job INTEGER NOT NULL REFERENCES job (row) ON DELETE CASCADE,
                    first INTEGER NOT NULL,
                    tokens BLOB NOT NULL,
                    PRIMARY KEY (job, first)
                ) WITHOUT ROWID;
                """
        )
    }
}
