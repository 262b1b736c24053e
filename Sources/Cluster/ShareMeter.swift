public import Placement

/// Measures what shares cost and how evenly workers are busy, as answers come.
///
/// Memory is taken when it is made; counting asks for none.
public struct ShareMeter: Sendable {
    public private(set) var costs = ShareCosts()
    /// Decayed sums over trips, in seconds: the busiest worker's computing, and of all together.
    private var longest = 0.0
    private var together = 0.0
    private var tripCount = 0
    /// Which share met an expert last; `[expert]`.
    private var marks: [UInt32]
    private var mark: UInt32 = 0

    /// Of this many trips later ones, a trip counts 1 / e.
    private static let memory = 4096.0
    private static let leastTrips = 64

    /// - Parameter expertCount: of the layer that has most.
    public init(expertCount: Int) {
        marks = Array(repeating: 0, count: expertCount)
    }

    /// How many times as long as the mean of so many workers the busiest one of each layer
    /// computes; nil where too few trips were made to say.
    public func imbalance(of workerCount: Int) -> Double? {
        together > 0 && tripCount >= Self.leastTrips
            ? longest * Double(workerCount) / together : nil
    }

    /// A worker has answered a share of whole experts; slices say little about whole ones.
    ///
    /// - Parameter away: from sending to the answer.
    public mutating func count(
        _ share: WorkerShare,
        computing: Duration,
        away: Duration,
        of name: WorkerName
    ) {
        guard !share.hasShards else { return }
        let answer = ShareCosts.Answer(
            experts: distinctExperts(of: share),
            pairs: share.pairExperts.count,
            rows: share.rows.count,
            computing: min(computing, away),
            travelling: max(.zero, away - computing)
        )
        costs.count(answer, of: name)
    }

    private mutating func distinctExperts(of share: WorkerShare) -> Int {
        mark &+= 1
        var count = 0
        for expert in share.pairExperts where marks.indices.contains(Int(expert)) {
            guard marks[Int(expert)] != mark else { continue }
            marks[Int(expert)] = mark
            count += 1
        }
        return count
    }

    /// All shares of a trip are answered.
    public mutating func count(_ trip: TripTimes) {
        let keep = 1 - 1 / Self.memory
        tripCount += 1
        longest = longest * keep + trip.computing / .seconds(1)
        together = together * keep + trip.computingTogether / .seconds(1)
    }

    /// Another plan counts from now on.
    public mutating func adopt(_ workers: [WorkerName]) {
        costs.keep(workers)
        longest = 0
        together = 0
        tripCount = 0
    }
}
