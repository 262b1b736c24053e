import Cluster

/// The trips of one layer, or of all: how many there were and what one took on average.
///
/// Names and all are promised to users of `--json`.
struct TripLine: Encodable {
    /// Nil for all layers.
    let layer: Int?
    let trips: UInt64
    let rows: UInt64
    let sending: Double
    let computing: Double
    let travelling: Double
    let adding: Double
    let waiting: Double
    let longest: Double

    enum CodingKeys: String, CodingKey {
        case layer, trips, rows
        case sending = "sending_us"
        case computing = "computing_us"
        case travelling = "travelling_us"
        case adding = "adding_us"
        case waiting = "waiting_us"
        case longest = "longest_us"
    }

    init(_ layer: TripProfile.Layer, layer index: Int?) {
        func average(_ sum: Duration) -> Double {
            Self.microseconds(sum) / Double(max(1, layer.trips))
        }
        self.layer = index
        trips = layer.trips
        rows = layer.rows
        sending = average(layer.sending)
        computing = average(layer.computing)
        travelling = average(layer.travelling)
        adding = average(layer.adding)
        waiting = average(layer.waiting)
        longest = Self.microseconds(layer.longest)
    }

    private static func microseconds(_ duration: Duration) -> Double {
        (Format.seconds(duration) * 1e7).rounded() / 10
    }

    /// As people read it.
    var text: String {
        let parts = [
            "\(trips)", "sending \(Format.fixed(sending))", "computing \(Format.fixed(computing))",
            "travelling \(Format.fixed(travelling))", "adding \(Format.fixed(adding))",
        ]
        return parts.joined(separator: ", ") + " µs each"
    }
}
