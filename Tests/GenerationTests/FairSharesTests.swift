import Generation
import Testing

@Suite("Shares of owners")
struct FairSharesTests {
    @Test("Rows count for their owner, and who is unknown has none")
    func counts() {
        var shares = FairShares()
        shares.join("a")
        shares.charge("a", rows: 5)
        shares.charge("nobody", rows: 7)
        #expect(shares.rows(of: "a") == 5 && shares.rows(of: "nobody") == 0)
    }

    @Test("Who comes begins with the least of those who are there, and keeps what it had beyond")
    func joining() {
        var shares = FairShares()
        for (owner, rows) in [("a", 100), ("b", 60)] {
            shares.join(owner)
            shares.charge(owner, rows: rows)
        }
        shares.join("c")
        #expect(shares.rows(of: "b") == 160 && shares.rows(of: "c") == 100)
        shares.leave("a")
        shares.join("a")
        #expect(shares.rows(of: "a") == 100)
        shares.leave("b")
        shares.leave("c")
        shares.leave("b")
        shares.join("b")
        #expect(shares.rows(of: "b") == 160)
    }

    @Test("Those who left are forgotten in the end, who had least first")
    func forgetting() {
        var shares = FairShares()
        for number in 0..<3000 {
            shares.join("owner \(number)")
            shares.charge("owner \(number)", rows: number + 1)
            shares.leave("owner \(number)")
        }
        #expect(shares.rows(of: "owner 0") == 0 && shares.rows(of: "owner 2999") == 3000)
    }
}
