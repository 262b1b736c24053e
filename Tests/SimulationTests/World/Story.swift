import Cluster
import Logging
import Synchronization

/// What happened in a simulation, in the words of the daemons' own logs and of its faults.
final class Story: Sendable {
    private let lines = Mutex<[String]>([])
    private let entries = Mutex<[Entry]>([])
    private let isTold: Bool

    /// A line of a daemon's log, of those that operators see.
    struct Entry: Sendable {
        let daemon: String
        let level: Logger.Level
        let message: String
        /// The worker that it names.
        let worker: String?

        /// `warning Worker lost w1`, for example.
        var text: String { "\(level) \(message)\(worker.map { " \($0)" } ?? "")" }
    }

    /// - Parameter isTold: whether to keep it; telling takes most of a simulation's time.
    init(isTold: Bool) { self.isTold = isTold }

    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    func tell(_ line: @autoclosure () -> String, at now: Instant) {
        guard isTold else { return }
        let time = Double(now.nanoseconds / 1000) / 1_000_000
        let text = "\(time) \(line())"
        lines.withLock { $0.append(text) }
    }

    /// The log of one daemon at info and above, without what concerns other workers than `worker`.
    func log(of daemon: String, about worker: String) -> [String] {
        entries.withLock { $0 }
            .filter { $0.daemon == daemon && ($0.worker ?? worker) == worker }
            .map(\.text)
    }

    fileprivate func add(_ entry: Entry) { entries.withLock { $0.append(entry) } }

    func logger(_ name: String, time: VirtualTime) -> Logger {
        guard isTold else { return Logger(label: name) { _ in SwiftLogNoOpLogHandler() } }
        return Logger(label: name) { StoryHandler(name: $0, story: self, time: time) }
    }
}

private struct StoryHandler: LogHandler {
    let name: String
    let story: Story
    let time: VirtualTime
    var metadata = Logger.Metadata()
    var logLevel = Logger.Level.debug

    init(name: String, story: Story, time: VirtualTime) {
        self.name = name
        self.story = story
        self.time = time
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        // How long something really took is no part of what the seed says.
        let details = (event.metadata ?? [:]).filter { !$0.key.hasSuffix("Time") }
            .sorted { $0.key < $1.key }
            .map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        story.tell("\(name): \(event.level) \(event.message) \(details)", at: time.now)
        guard event.level >= .info else { return }
        story.add(
            Story.Entry(
                daemon: name,
                level: event.level,
                message: "\(event.message)",
                worker: event.metadata?["worker"].map { "\($0)" }
            )
        )
    }
}
