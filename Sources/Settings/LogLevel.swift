/// How much a daemon tells, from everything to trouble only; the names are swift-log's.
public enum LogLevel: String, CaseIterable, Sendable {
    case trace
    case debug
    case info
    case notice
    case warning
    case error
    case critical
}
