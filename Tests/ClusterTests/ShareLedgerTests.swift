import Cluster
import Testing

@Suite("A ledger of shares")
struct ShareLedgerTests {
    @Test("lets each attempt through once, and no older one")
    func once() {
        var ledger = ShareLedger()
        #expect(ledger.admit(ShareID(rawValue: 7), attempt: 1) == .compute)
        #expect(ledger.admit(ShareID(rawValue: 7), attempt: 1) == .duplicate)
        #expect(ledger.admit(ShareID(rawValue: 7), attempt: 3) == .compute)
        #expect(ledger.admit(ShareID(rawValue: 7), attempt: 2) == .late)
        #expect(ledger.admit(ShareID(rawValue: 8), attempt: 1) == .compute)
    }

    @Test("forgets the oldest shares first and never grows past its capacity")
    func bounded() {
        var ledger = ShareLedger(capacity: 4)
        for number in 0..<10 as Range<UInt64> {
            #expect(ledger.admit(ShareID(rawValue: number), attempt: 1) == .compute)
            #expect(ledger.count <= 4)
        }
        for number in 6..<10 as Range<UInt64> {
            #expect(ledger.admit(ShareID(rawValue: number), attempt: 1) == .duplicate)
        }
        #expect(ledger.admit(ShareID(rawValue: 5), attempt: 1) == .compute)
        #expect(ledger.admit(ShareID(rawValue: 6), attempt: 1) == .compute)
    }

    @Test("starts over for a coordinator in a new life")
    func newLife() {
        var ledger = ShareLedger(capacity: 2)
        for number in 0..<3 as Range<UInt64> {
            _ = ledger.admit(ShareID(rawValue: number), attempt: 1)
        }
        ledger.removeAll()
        #expect(ledger.count == 0)
        for number in 0..<3 as Range<UInt64> {
            #expect(ledger.admit(ShareID(rawValue: number), attempt: 1) == .compute)
        }
    }
}
