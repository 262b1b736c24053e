/// How many connections an address may open, so that no stranger takes the places of all others or
/// keeps the processor busy with handshakes.
///
/// A value that reads no clock. An address that has opened none for a while may open a number at
/// once, and then some every second; whoever waits a little may always open the next.
public struct ConnectionBudget: Sendable {
    public struct Limits: Sendable {
        /// Connections at once: the workers of one machine come together when the coordinator does,
        /// with three each.
        public var burst = 256
        /// Further ones: more than a script opens that runs one command after another.
        public var perSecond = 32
        /// Addresses that are remembered; where more are active, those that come later share what
        /// one may open.
        public var addressCount = 4096
        /// Refused addresses that are told by name.
        public var toldCount = 8

        public init() {}
    }

    /// Who opens connections: an IPv4 address, or an IPv6 network of 64 bits, of which one machine
    /// may have all addresses.
    public struct Address: Hashable, Sendable {
        let isV6: Bool
        /// The address, or the network's first 64 bits, as a number.
        let bits: UInt64

        public init(v4 bits: UInt32) { (isV6, self.bits) = (false, UInt64(bits)) }

        public init(v6Network bits: UInt64) { (isV6, self.bits) = (true, bits) }
    }

    /// Connections that were refused to one address.
    public struct Refusals: Equatable, Sendable {
        /// Nil where it stands for addresses that are not told by name.
        public let address: Address?
        public let count: Int

        public init(address: Address?, count: Int) {
            self.address = address
            self.count = count
        }
    }

    public let limits: Limits
    /// When each address will have as many connections left as any other.
    private var rested: [Address: ContinuousClock.Instant] = [:]
    /// The same for those that there was no room to remember.
    private var othersRested: ContinuousClock.Instant?
    private var sweptAt: ContinuousClock.Instant?
    private var refusals: [Address: Int] = [:]
    private var otherRefusalCount = 0

    public init(limits: Limits = Limits()) { self.limits = limits }

    /// Whether a connection that comes now may stand.
    public mutating func admit(
        _ address: Address,
        now: ContinuousClock.Instant
    ) -> Bool {
        if rested[address] == nil, rested.count >= limits.addressCount { forgetRested(now) }
        let isKnown = rested[address] != nil || rested.count < limits.addressCount
        let before = max(isKnown ? rested[address] ?? now : othersRested ?? now, now)
        let after = before + .seconds(1) / limits.perSecond
        guard now.duration(to: after) <= .seconds(1) / limits.perSecond * limits.burst else {
            count(address)
            return false
        }
        if isKnown { rested[address] = after } else { othersRested = after }
        return true
    }

    /// Whom connections were refused since this was asked last, the largest numbers first.
    public mutating func takeRefusals() -> [Refusals] {
        let named = refusals.map { Refusals(address: $0.key, count: $0.value) }
        let others = otherRefusalCount
        (refusals, otherRefusalCount) = ([:], 0)
        let sorted = named.sorted { ($1.count, $0.order) < ($0.count, $1.order) }
        return others > 0 ? sorted + [Refusals(address: nil, count: others)] : sorted
    }

    private mutating func count(_ address: Address) {
        if refusals[address] != nil || refusals.count < limits.toldCount {
            refusals[address, default: 0] += 1
        } else {
            otherRefusalCount += 1
        }
    }

    /// Makes room, once a second at most: it looks at all.
    private mutating func forgetRested(_ now: ContinuousClock.Instant) {
        guard sweptAt.map({ $0.duration(to: now) >= .seconds(1) }) ?? true else { return }
        sweptAt = now
        rested = rested.filter { $0.value > now }
    }
}

extension ConnectionBudget.Refusals {
    fileprivate var order: UInt64 { address?.bits ?? .max }
}

extension ConnectionBudget.Address: CustomStringConvertible {
    public var description: String {
        guard isV6 else {
            return [24, 16, 8, 0].map { "\(bits >> $0 & 0xff)" }.joined(separator: ".")
        }
        let groups = [48, 32, 16, 0].map { String(bits >> $0 & 0xffff, radix: 16) }
        return groups.joined(separator: ":") + "::/64"
    }
}
