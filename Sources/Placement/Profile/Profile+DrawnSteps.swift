import Model

extension Profile {
    /// Steps made up from the counts, for want of a trace: layer by layer, each row draws its first
    /// expert by activations, and the next ones by how often they met those it has.
    ///
    /// What counts forget stays forgotten: rows of a step are independent of each other, and layers
    /// too. The same profile gives the same steps.
    func drawnSteps(rowsPerStep: Int, stepCount: Int = 128) -> RoutingTrace {
        var trace = RoutingTrace(expertCounts: expertCounts, topK: topK)
        var generator = SeededRandom(seed: 1)
        let rows = rowsPerStep * stepCount
        var drawn: [[UInt16]] = []
        for layer in layers where !layer.activations.isEmpty {
            var rowMaker = RowMaker(layer, topK: topK)
            drawn.append((0..<rows).flatMap { _ in rowMaker.row(using: &generator) })
        }
        guard !drawn.isEmpty else { return trace }
        let perStep = rowsPerStep * topK
        for step in 0..<stepCount {
            trace.append(drawn.flatMap { $0[step * perStep..<(step + 1) * perStep] })
        }
        return trace
    }
}

/// Draws rows of one layer.
private struct RowMaker {
    private let topK: Int
    private let activations: [Double]
    /// Rows that met both; `[expert][expert]`.
    private var meetings: [Float]
    private var weights: [Double]

    init(_ layer: Profile.Layer, topK: Int) {
        self.topK = topK
        let experts = layer.activations.count
        // Nothing is impossible: experts that were never seen count a little.
        let least = max(1, layer.activations.reduce(0, +)) * 1e-6 / Double(experts)
        activations = layer.activations.map { $0 + least }
        meetings = Array(repeating: 0, count: experts * experts)
        weights = activations
        for pair in layer.coactivations {
            meetings[pair.first * experts + pair.second] = Float(pair.count)
            meetings[pair.second * experts + pair.first] = Float(pair.count)
        }
    }

    mutating func row(using generator: inout SeededRandom) -> [UInt16] {
        var chosen: [UInt16] = []
        weights = activations
        while chosen.count < topK {
            let expert = draw(using: &generator)
            chosen.append(UInt16(expert))
            let first = expert * activations.count
            for other in activations.indices {
                let met = Double(meetings[first + other]) + activations[other] * 1e-6
                weights[other] = chosen.count == 1 ? met : weights[other] + met
            }
            for other in chosen { weights[Int(other)] = 0 }
        }
        return chosen
    }

    private func draw(using generator: inout SeededRandom) -> Int {
        var rest = generator.unit() * weights.reduce(0, +)
        var last = 0
        for (expert, weight) in weights.enumerated() where weight > 0 {
            last = expert
            rest -= weight
            if rest < 0 { break }
        }
        return last
    }
}
