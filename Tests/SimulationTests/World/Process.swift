import Cluster

/// A process of the simulated cluster: what crashes, freezes, and has a place in the network.
final class Process {
    let name: String
    private(set) var isAlive = true
    /// Whether it is stopped in the middle of whatever it does, as by SIGSTOP.
    var isFrozen = false
    /// What the process sends leaves so much later: it is still computing it.
    var departureDelay = Duration.zero

    init(_ name: String) { self.name = name }

    func end() { isAlive = false }

    var runs: Bool { isAlive && !isFrozen }
}

/// One thread of a daemon, as turns: it gets one when something arrived or its deadline came.
final class Loop {
    private let process: Process
    private let hasInput: () -> Bool
    private let turn: () -> Instant?
    /// How long the thread is at what its turn began.
    private let duration: () -> Duration
    private(set) var deadline: Instant?
    private(set) var isScheduled = false
    /// When the thread has done what it is doing.
    private var busyUntil = Instant(nanoseconds: 0)

    /// - Parameters:
    ///   - duration: How long the next turn takes.
    ///   - hasInput: Whether something waits for the thread.
    ///   - turn: Does what can be done now; returns when to be called at the latest.
    init(
        _ process: Process,
        lasting duration: @escaping () -> Duration = { .zero },
        hasInput: @escaping () -> Bool,
        turn: @escaping () -> Instant?
    ) {
        self.process = process
        self.duration = duration
        self.hasInput = hasInput
        self.turn = turn
    }

    var isOver: Bool { !process.isAlive }

    /// When the loop wants a turn, or nil while it has nothing to wait for.
    func wants(now: Instant) -> Instant? {
        guard process.runs, !isScheduled else { return nil }
        let due = hasInput() ? now : deadline
        return due.map { max($0, busyUntil) }
    }

    func schedule(on agenda: Agenda, after delay: Duration) {
        isScheduled = true
        agenda.after(delay) { [self] in
            isScheduled = false
            guard process.runs else { return }
            // What it sends leaves when it has been made.
            process.departureDelay = duration()
            busyUntil = agenda.now + process.departureDelay
            defer { process.departureDelay = .zero }
            deadline = turn()
        }
    }
}
