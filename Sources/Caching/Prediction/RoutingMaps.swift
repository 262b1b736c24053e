/// What past tokens chose in all layers; the likest of them say what a token will choose, as in
/// FineMoE.
///
/// How like two tokens are is what they chose alike in the layers so far, later layers counting
/// more, and what the tokens before them chose alike.
public struct RoutingMaps: Sendable {
    public struct Settings: Hashable, Sendable {
        /// Maps kept; the oldest gives way.
        public var capacity = 4096
        /// The likest maps that vote.
        public var voters = 32
        /// What a layer counts beside the one after it.
        public var fading = 0.7
        /// What an expert counts that the tokens before chose alike.
        public var previousWeight = 0.2
        /// How fast votes fade as maps get less like.
        public var sharpness = 2.0

        public init() {}
    }

    public let numbering: ExpertNumbering
    public let topK: Int
    public let settings: Settings
    /// `[map][place][topK]`.
    private var maps: [UInt16] = []
    /// Where the next map goes once all places are taken.
    private var oldest = 0

    public init(expertCounts: [Int], topK: Int, settings: Settings = Settings()) {
        precondition(topK > 0 && settings.capacity > 0 && settings.voters > 0, "top \(topK)")
        numbering = ExpertNumbering(expertCounts: expertCounts)
        self.topK = topK
        self.settings = settings
    }

    private var stride: Int { numbering.placeCount * topK }

    public var count: Int { stride > 0 ? maps.count / stride : 0 }

    /// Keeps a token's choices, `[place][topK]`; it follows the one that was recorded before it.
    public mutating func record(_ chosen: [UInt16]) {
        precondition(chosen.count == stride, "\(chosen.count) experts of \(stride)")
        guard count == settings.capacity else {
            maps += chosen
            return
        }
        for (index, expert) in chosen.enumerated() { maps[oldest * stride + index] = expert }
        oldest = (oldest + 1) % settings.capacity
    }

    /// Votes for each expert of a layer by the maps that are likest so far.
    ///
    /// - Parameters:
    ///   - chosen: `[place][topK]` of the layers before; further ones do not count.
    ///   - previous: what the token before chose in all layers; empty where none was.
    /// - Returns: shares of the votes; none without maps.
    public func votes(
        at place: Int,
        after chosen: ArraySlice<UInt16>,
        previous: [UInt16] = []
    ) -> [Double] {
        precondition(previous.isEmpty || previous.count == stride, "\(previous.count) experts")
        var votes = numbering.numbers(at: place).map { _ in 0.0 }
        let likeness = (0..<count).map { map in
            self.likeness(of: map, to: chosen, until: place)
                + settings.previousWeight * Double(alike(predecessor(of: map), previous))
        }
        let voters = likeness.indices.sorted { (-likeness[$0], $0) < (-likeness[$1], $1) }
            .prefix(settings.voters)
        guard let first = voters.first else { return votes }
        var sum = 0.0
        for map in voters {
            let distance = (likeness[first] - likeness[map]) * settings.sharpness
            let vote = 1 / (1 + distance * distance * distance)
            for index in 0..<topK { votes[Int(maps[map * stride + place * topK + index])] += vote }
            sum += vote * Double(topK)
        }
        return votes.map { $0 / sum }
    }

    /// The map that was recorded before one; nil for the first that is left.
    private func predecessor(of map: Int) -> Int? {
        let first = count == settings.capacity ? oldest : 0
        guard map != first else { return nil }
        return map > 0 ? map - 1 : count - 1
    }

    /// How many experts a map and a token chose alike.
    private func alike(_ map: Int?, _ chosen: [UInt16]) -> Int {
        guard let map, !chosen.isEmpty else { return 0 }
        var alike = 0
        for place in 0..<numbering.placeCount {
            let own = map * stride + place * topK
            for expert in chosen[place * topK..<(place + 1) * topK]
            where maps[own..<own + topK].contains(expert) {
                alike += 1
            }
        }
        return alike
    }

    private func likeness(of map: Int, to chosen: ArraySlice<UInt16>, until place: Int) -> Double {
        var likeness = 0.0
        var weight = 1.0
        for layer in (0..<place).reversed() {
            let start = chosen.startIndex + layer * topK
            for expert in chosen[start..<start + topK] {
                let own = map * stride + layer * topK
                if maps[own..<own + topK].contains(expert) { likeness += weight }
            }
            weight *= settings.fading
        }
        return likeness
    }
}
