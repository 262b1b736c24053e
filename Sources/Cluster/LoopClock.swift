/// Where shells get the `now` that they pass to state machines, which never ask themselves.
public struct LoopClock: Sendable {
    private let start = ContinuousClock.now

    public init() {}

    public var now: Instant { Instant(nanoseconds: 0) + (ContinuousClock.now - start) }
}
