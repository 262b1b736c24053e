import Cluster

/// What happened in some simulations, in numbers.
struct Tally: CustomStringConvertible {
    private var seeds = 0
    private var right = 0
    private var failed = 0
    private var cancelled = 0
    private var lost = 0
    private var faults = 0
    private var messages = 0
    private var lostMessages = 0
    private var doubledMessages = 0
    private var shares = 0
    private var hours = 0.0

    mutating func add(_ cluster: SimulatedCluster) {
        seeds += 1
        for outcome in cluster.clients.flatMap(\.outcomes) {
            switch outcome {
            case .right: right += 1
            case .failed: failed += 1
            case .cancelled: cancelled += 1
            // Of clients that left, and of a coordinator that went.
            case .lost, .planned, .sent, .accepted: lost += 1
            }
        }
        faults += cluster.faultCount
        messages += cluster.network.sentCount
        lostMessages += cluster.network.lostCount
        doubledMessages += cluster.network.doubledCount
        shares += cluster.shares.shareCount
        hours += Double(cluster.agenda.now.nanoseconds) / 3.6e12
    }

    var description: String {
        "\(seeds) seeds, \(Int(hours * 60)) minutes, \(faults) faults, \(messages) messages "
            + "(\(lostMessages) lost, \(doubledMessages) doubled), \(shares) shares; jobs: "
            + "\(right) right, \(failed) failed by name, \(cancelled) cancelled, "
            + "\(lost) gone with their coordinator or client"
    }
}
