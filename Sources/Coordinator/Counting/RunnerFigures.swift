import Cluster
import Generation
import Messaging
import Model
import Placement
import Wire

/// What the remote runner counts about workers, and tells the loop thread now and then.
struct RunnerFigures {
    /// Where the loop thread looks.
    private let latest: Latest<StepFigures>
    private var trips = TripProfile()
    private var meter: ShareMeter
    private var nextTelling = Instant(nanoseconds: .min)
    /// Rows of experts computed by each worker so far.
    private(set) var rowCounts: [WorkerRows] = []

    /// Figures are told between steps, and no more often than this.
    private static let pause = Duration.milliseconds(100)

    init(_ latest: Latest<StepFigures>, expertCount: Int) {
        self.latest = latest
        meter = ShareMeter(expertCount: expertCount)
    }

    /// All shares of a trip are answered.
    mutating func count(_ trip: TripTimes, of layer: LayerIndex) {
        trips.count(trip, of: layer)
        meter.count(trip)
    }

    /// - Parameter away: from sending to the answer.
    mutating func count(
        _ share: WorkerShare,
        computing: Duration,
        away: Duration,
        of name: WorkerName
    ) {
        meter.count(share, computing: computing, away: away, of: name)
        let rowCount = UInt64(share.pairRows.count)
        if let index = rowCounts.firstIndex(where: { $0.name == name }) {
            rowCounts[index].rowCount += rowCount
        } else {
            rowCounts.append(WorkerRows(name: name, rowCount: rowCount))
        }
    }

    /// Another plan counts from now on.
    mutating func adopt(_ workers: [WorkerName]) { meter.adopt(workers) }

    func isDue(_ now: Instant) -> Bool { now >= nextTelling }

    /// - Parameter workerCount: of the plan in force.
    mutating func tell(
        _ traffic: SocketTraffic,
        _ engine: EngineFigures,
        _ uses: TierUses,
        workerCount: Int,
        now: Instant
    ) {
        nextTelling = now + Self.pause
        var figures = StepFigures()
        figures.traffic = traffic
        figures.trips = trips
        figures.costs = meter.costs
        figures.engine = engine
        figures.uses = uses
        figures.imbalance = meter.imbalance(of: workerCount)
        if figures != latest.value { latest.replace(by: figures) }
    }
}
