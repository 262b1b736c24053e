import Logging
import Settings
import Synchronization

/// From which level on the process's log tells; it may change while the process runs.
final class LogThreshold: Sendable {
    /// The place of the level among all, from `trace` up.
    private let place: Atomic<Int>

    init(_ level: LogLevel) { place = Atomic(Self.place(of: level)) }

    var level: Logger.Level { Logger.Level.allCases[place.load(ordering: .relaxed)] }

    func set(_ level: LogLevel) { place.store(Self.place(of: level), ordering: .relaxed) }

    private static func place(of level: LogLevel) -> Int {
        Logger.Level.allCases.firstIndex { $0.rawValue == level.rawValue } ?? 0
    }
}
