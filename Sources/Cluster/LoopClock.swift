/// Where shells get the `now` that they pass to state machines, which never ask themselves.
public struct LoopClock: Sendable {
    private let read: @Sendable () -> Instant

    /// The machine's own clock, from now on.
    public init() {
        let start = ContinuousClock.now
        read = { Instant(nanoseconds: 0) + (ContinuousClock.now - start) }
    }

    /// A clock that somebody else moves.
    public init(read: @escaping @Sendable () -> Instant) { self.read = read }

    public var now: Instant { read() }
}
