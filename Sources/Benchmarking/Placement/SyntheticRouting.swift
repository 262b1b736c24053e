import Foundation
import Model
import Placement

/// A made-up router whose skew and affinities resemble what was published of large models.
///
/// Every row has one of a few topics; in each layer a topic prefers some experts, which ties layers
/// together, and some experts are hot for all. Not a model of any model: for comparing plans.
struct SyntheticRouting {
    let layerCount: Int
    let expertCount: Int
    let topK: Int
    /// Whether one pair of neighbours is hot in each layer, as in Mixtral, or single experts
    /// everywhere, by a power law.
    let hotNeighbours: Bool

    private static let topicCount = 8

    func trace(stepCount: Int, rowsPerStep: Int, seed: UInt64) -> RoutingTrace {
        var random = SeededRandom(seed: seed)
        let layers = (0..<layerCount).map { _ in layerScores(using: &random) }
        let counts = Array(repeating: expertCount, count: layerCount)
        var trace = RoutingTrace(expertCounts: counts, topK: topK)
        for _ in 0..<stepCount {
            let topics = topics(rowsPerStep, using: &random)
            let chosen = layers.flatMap { scores in
                topics.flatMap { choose(scores[$0], using: &random) }
            }
            trace.append(chosen)
        }
        return trace
    }

    /// Rows of a prompt often share a topic; `[row]`.
    private func topics(_ rowCount: Int, using random: inout SeededRandom) -> [Int] {
        var prompt = 0
        return (0..<rowCount).map { row in
            let topic = Int(random.next() % UInt64(Self.topicCount))
            if row % Self.promptRowCount == 0 { prompt = topic }
            return random.unit() < 0.3 ? prompt : topic
        }
    }

    private static let promptRowCount = 128

    /// Logits of each topic's experts; `[topic][expert]`.
    private func layerScores(using random: inout SeededRandom) -> [[Double]] {
        var base = Array(repeating: 0.0, count: expertCount)
        if hotNeighbours {
            let pair = Int(random.next() % UInt64(expertCount / 2)) * 2
            // Up to two thirds of the rows on two of eight experts.
            let heat = 0.5 + 1.7 * random.unit()
            for expert in [pair, pair + 1] { base[expert] = heat }
        } else {
            for expert in base.indices {
                let rank = Double(random.next() % UInt64(expertCount)) + 1
                base[expert] = -0.6 * log(rank / Double(expertCount))
            }
        }
        return (0..<Self.topicCount).map { _ in
            base.map { $0 + 0.8 * normal(using: &random) }
        }
    }

    /// The `topK` highest of logits with Gumbel noise: sampling without replacement.
    private func choose(_ scores: [Double], using random: inout SeededRandom) -> [UInt16] {
        var noisy = scores.enumerated().map { expert, score in
            (score: score - log(-log(max(random.unit(), 1e-300))), expert: UInt16(expert))
        }
        noisy.sort { ($1.score, $0.expert) < ($0.score, $1.expert) }
        return noisy.prefix(topK).map(\.expert)
    }

    private func normal(using random: inout SeededRandom) -> Double {
        let radius = (-2 * log(max(random.unit(), 1e-300))).squareRoot()
        return radius * cos(2 * .pi * random.unit())
    }
}
