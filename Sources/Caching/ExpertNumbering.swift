public import Model

/// Gives every expert of a model one number, layer after layer.
public struct ExpertNumbering: Hashable, Sendable {
    /// Experts of each layer; `[layer]`, 0 for one without.
    public let expertCounts: [Int]
    /// `[number]`.
    public let experts: [ExpertID]
    /// The number of each layer's first expert; `[layer]`.
    private let starts: [Int]
    /// Where each expert's layer stands among those with experts; `[number]`.
    let places: [Int]
    /// Where each layer stands among those with experts; `[layer]`, -1 for one without.
    private let layerPlaces: [Int]
    /// `[place]`.
    private let placeNumbers: [Range<Int>]
    /// Layers that have experts.
    public let placeCount: Int

    /// - Precondition: no count is negative.
    public init(expertCounts: [Int]) {
        precondition(expertCounts.allSatisfy { $0 >= 0 }, "\(expertCounts) experts")
        self.expertCounts = expertCounts
        var start = 0
        starts = expertCounts.map { count in
            defer { start += count }
            return start
        }
        experts = expertCounts.enumerated().flatMap { layer, count in
            (0..<count).map { ExpertID(layer: LayerIndex(layer), index: $0) }
        }
        var place = -1
        let layerPlaces = expertCounts.map { count in
            if count > 0 { place += 1 }
            return count > 0 ? place : -1
        }
        self.layerPlaces = layerPlaces
        placeCount = place + 1
        let starts = starts
        placeNumbers = expertCounts.indices.filter { expertCounts[$0] > 0 }.map {
            starts[$0]..<starts[$0] + expertCounts[$0]
        }
        places = experts.map { layerPlaces[$0.layer.rawValue] }
    }

    public var count: Int { experts.count }

    /// An expert's number; nil where the model has none such.
    public func number(of expert: ExpertID) -> Int? {
        let layer = expert.layer.rawValue
        guard expertCounts.indices.contains(layer), expert.index >= 0,
            expert.index < expertCounts[layer]
        else { return nil }
        return starts[layer] + expert.index
    }

    /// The numbers of a layer's experts; none where there is no such layer.
    public func numbers(in layer: LayerIndex) -> Range<Int> {
        guard expertCounts.indices.contains(layer.rawValue) else { return 0..<0 }
        let start = starts[layer.rawValue]
        return start..<start + expertCounts[layer.rawValue]
    }

    /// The numbers of the experts of the layer that stands there among those with experts.
    public func numbers(at place: Int) -> Range<Int> { placeNumbers[place] }

    /// Where a layer stands among those with experts; nil for one without.
    public func place(of layer: LayerIndex) -> Int? {
        guard layerPlaces.indices.contains(layer.rawValue), layerPlaces[layer.rawValue] >= 0
        else { return nil }
        return layerPlaces[layer.rawValue]
    }

    /// How many layers with experts the forward pass goes on until it comes to `later`.
    func distance(from place: Int, to later: Int) -> Int {
        let ahead = later - place
        return ahead >= 0 ? ahead : ahead + placeCount
    }
}
