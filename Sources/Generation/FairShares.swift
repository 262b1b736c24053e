/// What each owner of sequences has had of the steps, so that who had least comes next.
///
/// An owner who comes back, or is new, begins with the least of those who are there: nobody saves
/// up for later, and nobody is paid back for what others did not want.
package struct FairShares: Equatable, Sendable {
    private struct Share: Equatable, Sendable {
        var rows: UInt64 = 0
        /// Sequences that wait or run.
        var sequenceCount = 0
    }

    private var shares: [String: Share] = [:]

    /// Owners remembered without a sequence, so that leaving and coming back gains nothing.
    private static let absentLimit = 1024

    package init() {}

    /// Rows that were computed for an owner, or that it was credited when it came.
    package func rows(of owner: String) -> UInt64 { shares[owner]?.rows ?? 0 }

    /// Another sequence of the owner has come.
    package mutating func join(_ owner: String) {
        var share = shares[owner] ?? Share()
        if share.sequenceCount == 0 {
            let present = shares.values.lazy.filter { $0.sequenceCount > 0 }
            share.rows = max(share.rows, present.map(\.rows).min() ?? 0)
        }
        share.sequenceCount += 1
        shares[owner] = share
    }

    /// One of its sequences has ended.
    package mutating func leave(_ owner: String) {
        guard let count = shares[owner]?.sequenceCount, count > 0 else { return }
        shares[owner]?.sequenceCount = count - 1
        guard shares.count > Self.absentLimit else { return }
        let absent = shares.filter { $0.value.sequenceCount == 0 }
        // Who had least loses least by being forgotten.
        let least = absent.min { ($0.value.rows, $0.key) < ($1.value.rows, $1.key) }
        if let least { shares[least.key] = nil }
    }

    /// Rows of its sequences are computed.
    package mutating func charge(_ owner: String, rows: Int) {
        shares[owner]?.rows += UInt64(rows)
    }
}
