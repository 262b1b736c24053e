import Cluster
import Model
import Testing

@Suite("A profile of trips")
struct TripProfileTests {
    @Test("adds up what each layer's trips took")
    func adding() {
        var profile = TripProfile()
        var trip = TripTimes(rowCount: 4, begun: at(10))
        trip.sent = at(11)
        trip.awaited = at(15)
        trip.done = at(21)
        trip.computing = .milliseconds(6)
        trip.adding = .milliseconds(1)
        profile.count(trip, of: LayerIndex(2))
        profile.count(trip, of: LayerIndex(2))
        profile.count(trip, of: LayerIndex(0))
        #expect(profile.layers.map(\.trips) == [1, 0, 2])
        let layer = profile.layers[2]
        #expect(layer.rows == 8)
        #expect(layer.sending == .milliseconds(2))
        #expect(layer.away == .milliseconds(20))
        #expect(layer.waiting == .milliseconds(12))
        #expect(layer.computing == .milliseconds(12))
        #expect(layer.adding == .milliseconds(2))
        #expect(layer.travelling == .milliseconds(6))
        #expect(layer.longest == .milliseconds(10))
        #expect(profile.total.trips == 3 && profile.total.away == .milliseconds(30))
    }

    @Test("believes no worker that says it computed longer than the trip took")
    func boast() {
        var trip = TripTimes(rowCount: 1, begun: at(0))
        trip.done = at(5)
        trip.computing = .seconds(1_000_000)
        var profile = TripProfile()
        profile.count(trip, of: LayerIndex(0))
        #expect(profile.total.computing == .milliseconds(5))
        #expect(profile.total.travelling == .zero)
    }

    @Test("tells what came since another was taken, and what one trip took")
    func since() {
        var trip = TripTimes(rowCount: 2, begun: at(0))
        trip.sent = at(1)
        trip.done = at(5)
        trip.computing = .milliseconds(3)
        var profile = TripProfile()
        profile.count(trip, of: LayerIndex(1))
        let before = profile
        profile.count(trip, of: LayerIndex(1))
        profile.count(trip, of: LayerIndex(2))
        #expect(profile.since(before).layers.map(\.trips) == [0, 1, 1])
        let averages = TripAverages(profile.since(before).total)
        #expect(averages.trips == 2 && averages.rows == 4)
        #expect(averages.sending == 1000 && averages.computing == 3000)
        #expect(averages.travelling == 1000 && averages.longest == 4000)
        #expect(TripAverages(TripProfile().total).sending == 0)
    }
}
