/// How often steps went on in another way than was meant.
package struct StepFallBacks: Equatable, Sendable {
    /// Steps that ran again, because the shards that they waited for were cut otherwise by then.
    package private(set) var begunAnew: UInt64 = 0
    /// Shares that a worker refused, whose rows went to others.
    package private(set) var refusedShares: UInt64 = 0
    /// Times that a step waited, because nobody who serves held its experts.
    package private(set) var waits: UInt64 = 0

    mutating func count(_ event: RunnerEvent) {
        switch event {
        case .begunAnew: begunAnew += 1
        case .refused: refusedShares += 1
        case .waiting: waits += 1
        case .malformed, .unreachable, .adopted: break
        }
    }
}
