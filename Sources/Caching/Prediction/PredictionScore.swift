/// How good guesses of experts were, in the terms of the paper on eMoE.
public struct PredictionScore: Hashable, Sendable {
    /// Experts guessed and chosen, guessed only, chosen only; `[expert]`.
    private var hits: [Int]
    private var falseAlarms: [Int]
    private var misses: [Int]

    public init(expertCount: Int) {
        hits = Array(repeating: 0, count: expertCount)
        falseAlarms = hits
        misses = hits
    }

    /// Counts one layer of one token; experts by their numbers in the model.
    public mutating func count(guessed: [Int], chosen: [Int]) {
        for expert in guessed {
            if chosen.contains(expert) { hits[expert] += 1 } else { falseAlarms[expert] += 1 }
        }
        for expert in chosen where !guessed.contains(expert) { misses[expert] += 1 }
    }

    /// Which part of the choices was guessed.
    public var accuracy: Double {
        let hits = hits.reduce(0, +)
        return ratio(hits, hits + misses.reduce(0, +))
    }

    /// Which part of the guesses of an expert was right: the mean over experts that were guessed or
    /// chosen.
    public var precision: Double { mean { ratio(hits[$0], hits[$0] + falseAlarms[$0]) } }

    /// Which part of an expert's choices was guessed: the mean over the same.
    public var recall: Double { mean { ratio(hits[$0], hits[$0] + misses[$0]) } }

    private func ratio(_ part: Int, _ all: Int) -> Double {
        all > 0 ? Double(part) / Double(all) : 0
    }

    private func mean(_ value: (Int) -> Double) -> Double {
        let seen = hits.indices.filter { hits[$0] + falseAlarms[$0] + misses[$0] > 0 }
        return seen.isEmpty ? 0 : seen.reduce(0) { $0 + value($1) } / Double(seen.count)
    }

    public mutating func add(_ other: PredictionScore) {
        for expert in hits.indices {
            hits[expert] += other.hits[expert]
            falseAlarms[expert] += other.falseAlarms[expert]
            misses[expert] += other.misses[expert]
        }
    }
}
