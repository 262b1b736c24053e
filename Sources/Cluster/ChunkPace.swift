/// How fast chunks may leave, so that they leave room for shares.
///
/// A bucket of bytes that fills at the rate and holds what flows in a tenth of a second. A pure
/// value: the caller passes `now`.
public struct ChunkPace: Equatable, Sendable {
    /// Bytes per second; nil for no bound.
    public private(set) var rate: Int?
    /// Bytes that may leave at once; below 0, what is owed.
    private var credit = 0
    private var counted: Instant

    public init(rate: Int?, now: Instant) {
        self.rate = rate.map { max(1, $0) }
        counted = now
        credit = most
    }

    public mutating func setRate(_ rate: Int?, now: Instant) {
        fill(now: now)
        self.rate = rate.map { max(1, $0) }
        credit = min(credit, most)
    }

    /// When the next chunk may leave; nil for at once.
    public mutating func nextTime(now: Instant) -> Instant? {
        fill(now: now)
        guard let rate, credit < 0 else { return nil }
        let nanoseconds = Double(-credit) / Double(rate) * 1e9
        return now + .nanoseconds(Int64(min(nanoseconds, 3.6e12)) + 1)
    }

    /// So many bytes have left.
    public mutating func onSent(_ byteCount: Int, now: Instant) {
        fill(now: now)
        guard rate != nil else { return }
        credit = max(credit - byteCount, -Self.mostDebt)
    }

    private var most: Int { (rate ?? 0) / 10 }

    private mutating func fill(now: Instant) {
        defer { counted = now }
        guard let rate, now > counted else { return }
        let seconds = min((now - counted) / .seconds(1), 3600)
        let earned = min(seconds * Double(rate), Double(Int32.max) * 1e6)
        credit = min(credit + Int(earned), most)
        // Less than a byte is lost where the caller asks too often; it asks once per chunk.
    }

    /// Debts of more bytes than any chunk has would only come from a wrong count.
    private static let mostDebt = 1 << 40
}
