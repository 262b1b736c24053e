import Foundation
import Logging

/// Writes each entry as one line of text to standard error.
///
/// `2026-01-31T12:00:00.123Z notice Worker lost worker=alpha silentFor="2.1 seconds"`
struct LineLogHandler: LogHandler {
    enum Style: Sendable {
        /// For people and files.
        case timed
        /// For systemd's journal, which has the time itself and reads the level from `<N>`.
        case journal
    }

    let style: Style
    var metadata: Logger.Metadata = [:]
    private let threshold: LogThreshold
    /// Of loggers that tell less than the others.
    private var ownLevel = Logger.Level.trace

    init(style: Style, threshold: LogThreshold) {
        self.style = style
        self.threshold = threshold
    }

    var logLevel: Logger.Level {
        get { max(ownLevel, threshold.level) }
        set { ownLevel = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var entry = metadata
        entry.merge(event.metadata ?? [:]) { $1 }
        let words = [Self.clean("\(event.message)")] + Self.words(entry)
        let line = words.joined(separator: " ")
        switch style {
        case .timed: Self.write("\(UTC.now) \(event.level) \(line)\n")
        case .journal: Self.write("<\(Self.priority(of: event.level))>\(line)\n")
        }
    }

    /// The journal's, where standard error leads there.
    static var style: Style {
        guard let stream = ProcessInfo.processInfo.environment["JOURNAL_STREAM"] else {
            return .timed
        }
        var status = stat()
        guard unsafe fstat(STDERR_FILENO, &status) == 0 else { return .timed }
        return stream == "\(status.st_dev):\(status.st_ino)" ? .journal : .timed
    }

    static func write(_ text: String) {
        do {
            try FileHandle.standardError.write(contentsOf: Data(text.utf8))
        } catch {
            // A daemon whose log nobody reads goes on.
        }
    }

    private static func words(_ metadata: Logger.Metadata) -> [String] {
        metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\(quoted("\($0.value)"))" }
    }

    private static func quoted(_ value: String) -> String {
        let text = clean(value)
        let isPlain = !text.isEmpty && !text.contains { $0 == " " || $0 == "\"" || $0 == "=" }
        return isPlain ? text : "\"" + text.replacing("\"", with: "\\\"") + "\""
    }

    /// Without characters that would end the line or change the terminal.
    private static func clean(_ text: String) -> String {
        let cleaned = text.unicodeScalars.map { scalar in
            scalar.properties.generalCategory == .control ? " " : Character(scalar)
        }
        return String(cleaned)
    }

    /// Syslog's numbers.
    private static func priority(of level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
