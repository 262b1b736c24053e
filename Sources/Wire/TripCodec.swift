import CWire
import Cluster

extension MessageReader {
    func trips(_ raw: Moiety__V1__Status) throws(WireError) -> TripProfile {
        var layers: [TripProfile.Layer] = []
        let parts = try unsafe parts(raw.trips, count: raw.n_trips, "status.trips") {
            part throws(WireError) in
            try unsafe (
                count(part.layer, "layer_trips.layer", limit: limits.listCount), trips(part)
            )
        }
        for (layer, trips) in parts {
            while layers.count <= layer { layers.append(TripProfile.Layer()) }
            layers[layer] = trips
        }
        return TripProfile(layers: layers)
    }

    private func trips(_ raw: Moiety__V1__LayerTrips) throws(WireError) -> TripProfile.Layer {
        var layer = TripProfile.Layer()
        unsafe layer.trips = raw.trip_count
        unsafe layer.rows = raw.row_count
        unsafe layer.sending = try duration(
            raw.sending_nanoseconds,
            "layer_trips.sending_nanoseconds"
        )
        unsafe layer.away = try duration(raw.away_nanoseconds, "layer_trips.away_nanoseconds")
        unsafe layer.waiting = try duration(
            raw.waiting_nanoseconds,
            "layer_trips.waiting_nanoseconds"
        )
        unsafe layer.computing = try duration(
            raw.computing_nanoseconds,
            "layer_trips.computing_nanoseconds"
        )
        unsafe layer.adding = try duration(
            raw.adding_nanoseconds,
            "layer_trips.adding_nanoseconds"
        )
        unsafe layer.longest = try duration(
            raw.longest_nanoseconds,
            "layer_trips.longest_nanoseconds"
        )
        return layer
    }
}

extension MessageWriter {
    /// Layers whose experts were asked.
    func trips(_ profile: TripProfile) -> [UnsafeMutablePointer<Moiety__V1__LayerTrips>?] {
        var parts: [UnsafeMutablePointer<Moiety__V1__LayerTrips>?] = unsafe []
        for (index, layer) in profile.layers.enumerated() where layer.trips > 0 {
            unsafe parts.append(
                message(moiety__v1__layer_trips__init) { raw in
                    unsafe raw.layer = UInt32(clamping: index)
                    unsafe raw.trip_count = layer.trips
                    unsafe raw.row_count = layer.rows
                    unsafe raw.sending_nanoseconds = layer.sending.wireNanoseconds
                    unsafe raw.away_nanoseconds = layer.away.wireNanoseconds
                    unsafe raw.waiting_nanoseconds = layer.waiting.wireNanoseconds
                    unsafe raw.computing_nanoseconds = layer.computing.wireNanoseconds
                    unsafe raw.adding_nanoseconds = layer.adding.wireNanoseconds
                    unsafe raw.longest_nanoseconds = layer.longest.wireNanoseconds
                }
            )
        }
        return unsafe parts
    }
}
