import Foundation
import Placement

/// What became of plans, for operators: the latest changes, kept over the coordinator's lives.
struct PlanDiary {
    /// One change of plans, as the file and `moiety admin plan history` have it.
    struct Entry: Codable, Equatable {
        /// When it began, in UTC.
        let time: String
        /// Of the plan in force when it ended, or so far.
        var epoch: UInt64
        let reason: String
        /// Copies of experts and shards that were to be made, and their bytes.
        let moves: Int
        let bytes: Int
        var seconds: Double
        /// `done`, `under way`, or why it came to nothing.
        var outcome: String
    }

    private(set) var entries: [Entry]
    /// Whether something is not in the file.
    private var isUnsaved = false
    /// When the last entry, if it is under way, began.
    private var begun: ContinuousClock.Instant?

    /// Older entries are forgotten.
    static let limit = 500
    static let file = "plan-history.jsonl"
    private static let underWay = "under way"
    /// A coordinator that ends in the middle of a change leaves the plan in force on disk, and its
    /// next life goes on with that.
    private static let interrupted = "the coordinator ended first"

    /// Reads what former lives wrote; what cannot be read is forgotten.
    init(_ state: StateDirectory) throws(CoordinatorError) {
        let lines = try state.read(Self.file).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let decoder = JSONDecoder()
        entries = lines.split(separator: "\n").suffix(Self.limit).compactMap { line in
            do {
                return try decoder.decode(Entry.self, from: Data(line.utf8))
            } catch {
                return nil
            }
        }
        guard let last = entries.last, last.outcome == Self.underWay else { return }
        entries[entries.count - 1].outcome = Self.interrupted
    }

    var isUnderWay: Bool { begun != nil }

    /// A change begins; whatever was under way has given way to it.
    mutating func begin(
        _ reason: String,
        moves: Int,
        byteCount: Int,
        epoch: Epoch
    ) {
        if isUnderWay { close("gave way to another") }
        begun = .now
        entries.append(
            Entry(
                time: Date.now.formatted(.iso8601),
                epoch: epoch.rawValue,
                reason: reason,
                moves: moves,
                bytes: byteCount,
                seconds: 0,
                outcome: Self.underWay
            )
        )
        entries = entries.suffix(Self.limit)
        isUnsaved = true
    }

    /// Another plan is in force, by the change under way or all at once.
    mutating func note(_ epoch: Epoch, reason: String, isLast: Bool) {
        guard isUnderWay else {
            begin(reason, moves: 0, byteCount: 0, epoch: epoch)
            return end("done")
        }
        entries[entries.count - 1].epoch = epoch.rawValue
        isUnsaved = true
        if isLast { end("done") }
    }

    mutating func end(_ outcome: String) {
        guard isUnderWay else { return }
        close(outcome)
        isUnsaved = true
    }

    private mutating func close(_ outcome: String) {
        guard let begun, var last = entries.popLast() else { return }
        last.outcome = outcome
        last.seconds = ((.now - begun) / .milliseconds(1)).rounded() / 1000
        entries.append(last)
        self.begun = nil
    }

    /// One JSON object per line, the oldest first.
    var jsonLines: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return entries.compactMap { entry in
            do {
                return String(decoding: try encoder.encode(entry), as: UTF8.self) + "\n"
            } catch {
                return nil
            }
        }.joined()
    }

    /// What the file is to hold, where that is news.
    mutating func takeUnsaved() -> String? {
        guard isUnsaved else { return nil }
        isUnsaved = false
        return jsonLines
    }
}
