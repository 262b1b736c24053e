import Cluster
import Coordinator
import Logging
import Messaging
import Synchronization
import Testing
import Wire

/// Keeps what is logged, a line each.
private final class RecordedLog: Sendable {
    private let lines = Mutex<[String]>([])

    var logger: Logger { Logger(label: "traffic") { _ in Handler(log: self) } }

    /// What was logged since this was asked last.
    func take() -> [String] {
        lines.withLock { lines in
            defer { lines = [] }
            return lines
        }
    }

    private struct Handler: LogHandler {
        let log: RecordedLog
        var metadata = Logger.Metadata()
        var logLevel = Logger.Level.debug

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let details = (event.metadata ?? [:]).sorted { $0.key < $1.key }
                .map { " \($0.key)=\($0.value)" }.joined()
            log.lines.withLock { $0.append("\(event.level): \(event.message)\(details)") }
        }
    }
}

@Suite("What came and was not in order is told")
struct TrafficLogTests {
    private let recorded = RecordedLog()
    private let start = Instant(nanoseconds: 5_000_000_000)
    private let crowds = [
        ConnectionBudget.Refusals(address: .init(v4: 0x7f09_0909), count: 700),
        ConnectionBudget.Refusals(address: .init(v6Network: 0x2001_0db8_0000_0001), count: 2),
        ConnectionBudget.Refusals(address: nil, count: 12),
    ]

    @Test("Whoever opens too many connections is told by address, once a minute")
    func crowd() {
        var log = TrafficLog(recorded.logger, now: start)
        var isAsked = false
        func refused() -> [ConnectionBudget.Refusals] {
            isAsked = true
            return crowds
        }
        log.tell([], crowds: refused(), now: start + .seconds(59))
        #expect(recorded.take() == [] && !isAsked, "whom nobody asks for is not forgotten")
        log.tell([], crowds: refused(), now: start + .seconds(60))
        let told = [
            "warning: Too many connections from=127.9.9.9 refused=700",
            "warning: Too many connections from=2001:db8:0:1::/64 refused=2",
            "warning: Too many connections from=others refused=12",
        ]
        #expect(recorded.take() == told)
        log.tell([], crowds: refused(), now: start + .seconds(119))
        #expect(recorded.take() == [])
        log.tell([], crowds: [], now: start + .seconds(120))
        #expect(recorded.take() == [], "nobody was refused")
        log.tell([], crowds: refused(), now: start + .seconds(121), isLast: true)
        #expect(recorded.take() == told, "the last time it does not wait")
    }

    @Test("A socket's counts are told when they have grown")
    func counts() {
        var log = TrafficLog(recorded.logger, now: start)
        var report = SocketReport(name: "workers")
        func tell(_ minutes: Int) -> [String] {
            log.tell([report], crowds: [], now: start + .seconds(60) * minutes)
            return recorded.take()
        }
        #expect(tell(1) == [])
        report.connectionsOpen = 3
        #expect(tell(2) == [], "connections are no trouble")
        report.connectionsRefused = 2
        report.handshakesFailed = 1
        let told = [
            "notice: Not all that came was in order connections=3 failedHandshakes=1 refused=2"
                + " socket=workers"
        ]
        #expect(tell(3) == told)
        #expect(tell(4) == [], "nothing new")
        report.connectionsRefused = 3
        #expect(tell(5).count == 1)
    }
}
