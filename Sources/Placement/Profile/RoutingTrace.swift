/// What the routers chose, step by step: for every step, layer and row the experts.
///
/// Counts forget which rows were together in a step; a trace does not, so plans are replayed on
/// it. All layers of a step have the same rows.
public struct RoutingTrace: Hashable, Sendable {
    /// Experts of each layer; `[layer]`, 0 for a layer without experts, which takes no space.
    public let expertCounts: [Int]
    public let topK: Int
    /// Rows of each step; `[step]`.
    public private(set) var rowCounts: [Int] = []
    /// `[step][layer with experts][row][topK]`, one behind the other.
    private var experts: [UInt16] = []
    /// Where each step starts in `experts`, and its end; `[step + 1]`.
    private var starts = [0]
    /// The place of each layer among those with experts; `[layer]`.
    private let places: [Int]

    /// A trace without steps.
    ///
    /// - Precondition: every layer has 0 or `topK` to 65,536 experts.
    public init(expertCounts: [Int], topK: Int) {
        precondition(topK > 0, "a router that chooses \(topK) experts")
        precondition(
            expertCounts.allSatisfy { $0 == 0 || (topK...65_536).contains($0) },
            "\(topK) of \(expertCounts) experts"
        )
        self.expertCounts = expertCounts
        self.topK = topK
        var place = 0
        places = expertCounts.map { count in
            defer { place += count > 0 ? 1 : 0 }
            return place
        }
    }

    public var stepCount: Int { rowCounts.count }

    public var rowCount: Int { rowCounts.reduce(0, +) }

    /// Layers that have experts.
    public var expertLayers: [Int] { expertCounts.indices.filter { expertCounts[$0] > 0 } }

    /// The experts of one step's rows in one layer, `[row][topK]`; empty without experts.
    public func experts(step: Int, layer: Int) -> ArraySlice<UInt16> {
        guard expertCounts[layer] > 0 else { return [] }
        let count = rowCounts[step] * topK
        let start = starts[step] + places[layer] * count
        return experts[start..<start + count]
    }

    /// Adds a step.
    ///
    /// - Parameter chosen: `[layer with experts][row][topK]`.
    /// - Precondition: it has a whole number of rows, of experts that exist.
    public mutating func append(_ chosen: [UInt16]) {
        let layers = expertLayers
        let perRow = layers.count * topK
        precondition(perRow > 0 && chosen.count % perRow == 0, "\(chosen.count) of \(perRow)")
        let perLayer = chosen.count / layers.count
        for (place, layer) in layers.enumerated() {
            let part = chosen[place * perLayer..<(place + 1) * perLayer]
            precondition(part.allSatisfy { Int($0) < expertCounts[layer] }, "layer \(layer)")
        }
        rowCounts.append(chosen.count / perRow)
        experts += chosen
        starts.append(experts.count)
    }

    /// Some of the steps, in the order given.
    public func steps(_ indices: some Sequence<Int>) -> RoutingTrace {
        var part = RoutingTrace(expertCounts: expertCounts, topK: topK)
        for step in indices {
            part.rowCounts.append(rowCounts[step])
            part.experts += experts[starts[step]..<starts[step + 1]]
            part.starts.append(part.experts.count)
        }
        return part
    }

    /// The first half of the steps, to plan by, and the rest, to judge plans by.
    public var halves: (first: RoutingTrace, second: RoutingTrace) {
        let middle = stepCount / 2
        return (steps(0..<middle), steps(middle..<stepCount))
    }

    /// At most `count` steps, evenly spread.
    public func sample(_ count: Int) -> RoutingTrace {
        guard count < stepCount else { return self }
        return steps((0..<count).map { $0 * stepCount / count })
    }

    /// The same rows in steps of `rows` each; what is left at the end is a smaller step.
    ///
    /// - Precondition: `rows` is positive.
    public func regrouped(rows: Int) -> RoutingTrace {
        precondition(rows > 0, "steps of \(rows) rows")
        let layers = expertLayers
        var trace = RoutingTrace(expertCounts: expertCounts, topK: topK)
        let places = rowCounts.indices.flatMap { step in
            (0..<rowCounts[step]).map { (step: step, row: $0) }
        }
        for start in stride(from: 0, to: places.count, by: rows) {
            let chosen = layers.flatMap { layer in
                places[start..<min(start + rows, places.count)].flatMap { place in
                    let all = experts(step: place.step, layer: layer)
                    return all.dropFirst(place.row * topK).prefix(topK)
                }
            }
            trace.append(chosen)
        }
        return trace
    }
}
