import Model

/// Turns router probabilities into expert choices.
struct Router {
    let expertCount: Int
    let topK: Int
    let normalizes: Bool
    let scale: Float

    init(_ model: ModelDescription) {
        expertCount = model.expertCount
        topK = model.expertsPerToken
        normalizes = model.normalizesGateWeights
        scale = model.gateWeightScale
    }

    /// The `topK` experts of each row, heaviest first; equal ones by the lower expert.
    ///
    /// - Parameters:
    ///   - probabilities: `[rows, experts]`, each row's softmax.
    ///   - present: which experts rows may go to, `[experts]`; empty for all. Where some are
    ///     absent, what rows wanted is noted, too.
    func choose(_ probabilities: [Float], among present: [Bool] = [], into routing: inout Routing) {
        routing.wanted.removeAll(keepingCapacity: true)
        if !present.isEmpty {
            chooseRows(probabilities, [], into: &routing)
            routing.wanted.append(contentsOf: routing.experts)
        }
        chooseRows(probabilities, present, into: &routing)
    }

    private func chooseRows(
        _ probabilities: [Float],
        _ present: [Bool],
        into routing: inout Routing
    ) {
        routing.experts.removeAll(keepingCapacity: true)
        routing.weights.removeAll(keepingCapacity: true)
        for start in stride(from: 0, to: probabilities.count, by: expertCount) {
            chooseRow(probabilities[start..<start + expertCount], present, into: &routing)
        }
    }

    private func chooseRow(
        _ row: ArraySlice<Float>,
        _ present: [Bool],
        into routing: inout Routing
    ) {
        let first = routing.experts.count
        for (expert, probability) in row.enumerated() where present.isEmpty || present[expert] {
            let chosen = routing.experts.count - first
            // A later expert must be strictly heavier to move ahead.
            var place = chosen
            while place > 0 && routing.weights[first + place - 1] < probability { place -= 1 }
            guard place < topK else { continue }
            if chosen == topK {
                routing.experts.removeLast()
                routing.weights.removeLast()
            }
            routing.experts.insert(Int32(expert), at: first + place)
            routing.weights.insert(probability, at: first + place)
        }
        guard normalizes || scale != 1 else { return }
        var total: Float = 0
        for index in first..<first + topK { total += routing.weights[index] }
        for index in first..<first + topK {
            if normalizes { routing.weights[index] /= total }
            routing.weights[index] *= scale
        }
    }
}
