/// What both daemons' settings have in common.
public protocol DaemonSettings: Sendable {
    var logLevel: LogLevel { get }
    var locksMemory: Bool { get }

    /// Each setting with its value and who gave it, in the order of the settings file.
    func describe() -> [DescribedSetting]
}

extension CoordinatorSettings: DaemonSettings {}

extension WorkerSettings: DaemonSettings {}

/// What differs between the settings that a daemon runs with and those it would start with now.
public struct SettingsChanges: Equatable, Sendable {
    /// A setting that is another now; nil where it is not given.
    public struct Change: Equatable, Sendable {
        public let key: String
        public let old: String?
        public let new: String?
    }

    /// What counts from now on.
    public let taken: [Change]

    /// What counts once the daemon is started again.
    public let waiting: [Change]

    /// What the daemon runs with from now on.
    public let inForce: [DescribedSetting]

    /// What a daemon can take while it runs: lists of keys are read by themselves when they change,
    /// and for all else memory, threads and sockets would have to be made anew.
    private static let live: Set = ["log-level"]

    /// - Parameters:
    ///   - old: what the daemon runs with.
    ///   - new: the same settings, read anew.
    public init(from old: [DescribedSetting], to new: [DescribedSetting]) {
        let values = Dictionary(new.map { ($0.key, $0) }) { first, _ in first }
        var taken: [Change] = []
        var waiting: [Change] = []
        inForce = old.map { setting in
            guard let next = values[setting.key], next.value != setting.value else {
                return setting
            }
            let change = Change(key: setting.key, old: setting.value, new: next.value)
            guard Self.isLive(setting.key) else {
                waiting.append(change)
                return setting
            }
            taken.append(change)
            return next
        }
        (self.taken, self.waiting) = (taken, waiting)
    }

    private static func isLive(_ key: String) -> Bool {
        SettingKey.components(of: key).last.map(live.contains) ?? false
    }
}

extension SettingsChanges.Change: CustomStringConvertible {
    public var description: String { "\(key) (\(old ?? "not set") to \(new ?? "not set"))" }
}
