import Messaging
import Testing

@Suite("What one address may open")
struct ConnectionBudgetTests {
    private typealias Address = ConnectionBudget.Address

    private static let start = ContinuousClock.now
    private static let one = Address(v4: 0x0a00_0007)

    private static func small(addressCount: Int = 4, toldCount: Int = 2) -> ConnectionBudget {
        var limits = ConnectionBudget.Limits()
        limits.burst = 3
        limits.perSecond = 2
        limits.addressCount = addressCount
        limits.toldCount = toldCount
        return ConnectionBudget(limits: limits)
    }

    @Test("After a number at once, an address may open some each second, and no more")
    func rate() {
        var budget = Self.small()
        var admitted = 0
        for _ in 0..<10 where budget.admit(Self.one, now: Self.start) { admitted += 1 }
        #expect(admitted == 3)
        for millisecond in 1...10_000 {
            let now = Self.start + .milliseconds(millisecond)
            if budget.admit(Self.one, now: now) { admitted += 1 }
        }
        #expect(admitted == 3 + 20)
        let refusals = budget.takeRefusals()
        #expect(refusals == [.init(address: Self.one, count: 7 + 9980)])
        let more = budget.takeRefusals()
        #expect(more.isEmpty)
    }

    @Test("Whoever waited has as much again as at first")
    func rest() {
        var budget = Self.small()
        while budget.admit(Self.one, now: Self.start) {}
        var admitted = 0
        while budget.admit(Self.one, now: Self.start + .seconds(3600)) { admitted += 1 }
        #expect(admitted == 3)
    }

    @Test("Addresses take nothing from one another")
    func others() {
        var budget = Self.small()
        while budget.admit(Self.one, now: Self.start) {}
        for other in [Address(v4: 0x0a00_0008), Address(v6Network: 0x0a00_0007)] {
            let isAdmitted = budget.admit(other, now: Self.start)
            #expect(isAdmitted, "\(other)")
        }
    }

    @Test("Addresses beyond those that are remembered share what one may open")
    func crowd() {
        var budget = Self.small()
        let early = (0..<4).count { budget.admit(Address(v4: $0), now: Self.start) }
        let late = (4..<100).count { budget.admit(Address(v4: $0), now: Self.start) }
        #expect(early == 4 && late == 3)
        // Those that are remembered go on as before.
        let isAdmitted = budget.admit(Address(v4: 0), now: Self.start)
        #expect(isAdmitted)
        // Who has opened none for a while makes room.
        let later = Self.start + .seconds(10)
        let newcomers = (200..<204).count { budget.admit(Address(v4: $0), now: later) }
        #expect(newcomers == 4)
        let refusals = budget.takeRefusals()
        #expect(refusals.map(\.count).reduce(0, +) == 93)
    }

    @Test("Who is refused most is told first, and only some by name")
    func told() {
        var budget = Self.small()
        for address in [Self.one, Address(v6Network: 0x2001_0db8_0000_0001), Address(v4: 9)] {
            for _ in 0..<(address == Self.one ? 4 : 6) {
                _ = budget.admit(address, now: Self.start)
            }
        }
        let refusals = budget.takeRefusals()
        #expect(refusals.map(\.count) == [3, 1, 3])
        let names = refusals.map { $0.address.map { "\($0)" } }
        #expect(names == ["2001:db8:0:1::/64", "10.0.0.7", nil])
    }
}
