public import Model

/// Where the trips to the workers spend their time, layer by layer, added up since the start.
public struct TripProfile: Hashable, Sendable {
    /// The trips of one layer.
    public struct Layer: Hashable, Sendable {
        /// Batches that went to the workers and came back.
        public var trips: UInt64 = 0
        /// Rows of those batches.
        public var rows: UInt64 = 0
        /// Splitting a batch into shares, writing them, and handing them to the socket.
        public var sending: Duration = .zero
        /// From the last share handed over to the last answer added.
        public var away: Duration = .zero
        /// The part of `away` in which the coordinator had nothing else to do.
        public var waiting: Duration = .zero
        /// What the worker that computed longest says it took.
        public var computing: Duration = .zero
        /// Reading answers and adding their rows.
        public var adding: Duration = .zero
        /// The longest `away`.
        public var longest: Duration = .zero

        public init() {}

        /// What is left of `away`: queues, sockets and threads that wake up, both ways.
        public var travelling: Duration { max(.zero, away - computing - adding) }
    }

    /// By layer; those without experts stay empty.
    public private(set) var layers: [Layer] = []

    public init() {}

    /// A profile as somebody else counted it.
    public init(layers: [Layer]) { self.layers = layers }

    /// Counts a trip that ended well.
    public mutating func count(_ trip: TripTimes, of layer: LayerIndex) {
        while layers.count <= layer.rawValue { layers.append(Layer()) }
        layers[layer.rawValue].add(trip)
    }

    /// What came since `before` was taken; the longest is the longest of all.
    public func since(_ before: TripProfile) -> TripProfile {
        var rest = self
        for index in rest.layers.indices where index < before.layers.count {
            let old = before.layers[index]
            rest.layers[index].trips -= min(old.trips, rest.layers[index].trips)
            rest.layers[index].rows -= min(old.rows, rest.layers[index].rows)
            rest.layers[index].sending -= old.sending
            rest.layers[index].away -= old.away
            rest.layers[index].waiting -= old.waiting
            rest.layers[index].computing -= old.computing
            rest.layers[index].adding -= old.adding
        }
        return rest
    }

    /// All layers together.
    public var total: Layer {
        layers.reduce(into: Layer()) { total, layer in
            total.trips += layer.trips
            total.rows += layer.rows
            total.sending += layer.sending
            total.away += layer.away
            total.waiting += layer.waiting
            total.computing += layer.computing
            total.adding += layer.adding
            total.longest = max(total.longest, layer.longest)
        }
    }
}

/// When what happened on one trip.
public struct TripTimes: Equatable, Sendable {
    public let rowCount: Int
    public let begun: Instant
    public var sent: Instant
    /// When the step had nothing else to do than to wait for it.
    public var awaited: Instant
    /// When the last answer was added.
    public var done: Instant
    /// The longest that a worker said it computed.
    public var computing: Duration = .zero
    /// What all of them said together.
    public var computingTogether: Duration = .zero
    public var adding: Duration = .zero

    public init(rowCount: Int, begun: Instant) {
        self.rowCount = rowCount
        self.begun = begun
        sent = begun
        awaited = begun
        done = begun
    }
}

extension TripProfile.Layer {
    fileprivate mutating func add(_ trip: TripTimes) {
        let gone = trip.done - trip.sent
        trips += 1
        rows += UInt64(clamping: trip.rowCount)
        sending += trip.sent - trip.begun
        away += gone
        waiting += max(.zero, trip.done - trip.awaited)
        // A worker's word, but no more than can be true.
        computing += min(trip.computing, gone)
        adding += trip.adding
        longest = max(longest, gone)
    }
}
