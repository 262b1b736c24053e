import Foundation
import Ledger
import Messaging

/// A directory for one test's ledger, removed with it.
final class LedgerPlace {
    let directory: URL

    init() throws {
        directory = FileManager.default.temporaryDirectory
            .appending(path: "moiety-ledger-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    deinit {
        do { try FileManager.default.removeItem(at: directory) } catch { print("\(error)") }
    }

    var path: String { directory.appending(path: "jobs.sqlite").path }

    func open(
        _ limits: LedgerLimits = LedgerLimits(),
        now: UInt64 = 1000
    ) throws(LedgerError) -> LedgerStore {
        var limits = limits
        // A machine that stalls checks all of it, too.
        limits.checkTime = max(limits.checkTime, .seconds(600))
        return try LedgerStore(path: path, limits: limits) { now }
    }

    /// What a crash at this moment would leave: the file and its log, as they are on disk.
    func copy() throws -> LedgerPlace {
        let other = try LedgerPlace()
        for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: path + suffix) {
            try FileManager.default.copyItem(atPath: path + suffix, toPath: other.path + suffix)
        }
        return other
    }
}

extension JobID {
    static func made(_ number: UInt64, life: UInt32 = 1) -> JobID {
        JobID(life: life, number: number)
    }
}

extension LedgerJob {
    static func made(
        _ number: UInt64,
        life: UInt32 = 1,
        ticket: String? = nil,
        request: [UInt8] = [1, 2, 3]
    ) -> LedgerJob {
        LedgerJob(
            id: .made(number, life: life),
            ticket: ticket,
            task: number.isMultiple(of: 2) ? "even" : nil,
            promptTokenCount: 7,
            submittedAt: 900 + number,
            model: "tiny",
            request: request
        )
    }
}

extension LedgerEnding {
    static func made(_ text: String = "done", state: LedgerState = .completed) -> LedgerEnding {
        LedgerEnding(state: state, tokenCount: text.count, text: text, report: Array(text.utf8))
    }
}

/// A loop over a store that tests can break.
final class LoopBench {
    let inbox: Mailbox<LedgerCommand>
    private(set) var reports: [LedgerReport] = []
    private var loop: LedgerLoop?
    var failure: LedgerError?

    init(_ open: @escaping () throws(LedgerError) -> LedgerStore) throws {
        inbox = try Mailbox(limit: 1000)
        loop = LedgerLoop(
            inbox: inbox,
            open: { [weak self] () throws(LedgerError) in
                if let failure = self?.failure { throw failure }
                return try open()
            },
            report: { [weak self] in self?.reports.append($0) }
        )
    }

    var timeout: Duration? { loop?.timeout }
    var hasStopped: Bool { loop?.hasStopped == true }

    /// What the loop says to commands that came together.
    func turn(_ commands: LedgerCommand...) -> [LedgerReport] {
        reports = []
        for command in commands { _ = inbox.post(command) }
        loop?.turn()
        return reports
    }
}
