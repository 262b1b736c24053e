/// What one trip took on average, in microseconds.
///
/// The names are promised to users of `--json`.
public struct TripAverages: Encodable, Equatable, Sendable {
    /// Nil for all layers together.
    public let layer: Int?
    public let trips: UInt64
    public let rows: UInt64
    public let sending: Double
    public let computing: Double
    public let travelling: Double
    public let adding: Double
    public let waiting: Double
    /// The longest that one trip was away.
    public let longest: Double

    private enum CodingKeys: String, CodingKey {
        case layer, trips, rows
        case sending = "sending_us"
        case computing = "computing_us"
        case travelling = "travelling_us"
        case adding = "adding_us"
        case waiting = "waiting_us"
        case longest = "longest_us"
    }

    public init(_ sums: TripProfile.Layer, layer: Int? = nil) {
        func average(_ sum: Duration) -> Double {
            Self.tenths(sum / .microseconds(1) / Double(max(1, sums.trips)))
        }
        self.layer = layer
        trips = sums.trips
        rows = sums.rows
        sending = average(sums.sending)
        computing = average(sums.computing)
        travelling = average(sums.travelling)
        adding = average(sums.adding)
        waiting = average(sums.waiting)
        longest = Self.tenths(sums.longest / .microseconds(1))
    }

    private static func tenths(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}

extension TripAverages: CustomStringConvertible {
    public var description: String {
        "\(trips), each \(sending) µs sending, \(computing) computing, \(travelling) travelling, "
            + "\(adding) adding"
    }
}
