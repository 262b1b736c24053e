import Experts
public import Model
import Tensors

/// Compares what routers were expected to choose with what they chose, row by row, and lets another
/// compute it.
final class ForesightJudge: ExpertRunner {
    private let inner: any ExpertRunner
    /// What was expected last of a part's layer, from so many layers before.
    private var guesses: [Place: Routing] = [:]
    /// `[distance]`.
    private(set) var scores: [ForesightScore]

    private struct Place: Hashable {
        let part: Int
        let layer: LayerIndex
        let distance: Int
    }

    init(_ inner: any ExpertRunner) {
        self.inner = inner
        scores = ResidencyOptions.foresightRange.map { _ in ForesightScore() }
    }

    /// As far as anybody looks.
    var foresight: Int { ResidencyOptions.foresightRange.upperBound }

    func forget() {
        guesses = [:]
        for distance in scores.indices { scores[distance] = ForesightScore() }
    }

    func foresee(_ part: Int, layer: LayerIndex, distance: Int, routing: Routing) {
        guesses[Place(part: part, layer: layer, distance: distance)] = routing
    }

    func start(
        _ part: Int,
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError) {
        for distance in scores.indices {
            let place = Place(part: part, layer: layer, distance: distance)
            guard let guess = guesses.removeValue(forKey: place) else { continue }
            scores[distance].add(guess, routing)
        }
        try inner.start(part, layer: layer, activations: activations, routing: routing)
    }

    func finish(_ part: Int, into sums: inout [Double]) throws(ExpertRunnerError) {
        try inner.finish(part, into: &sums)
    }

    func cancel() {
        guesses = [:]
        inner.cancel()
    }
}

/// How often what rows were expected to choose is what they chose.
public struct ForesightScore: Equatable, Sendable {
    /// Rows, each once for every layer that was guessed.
    public private(set) var rowCount = 0
    /// Experts that they chose.
    public private(set) var choiceCount = 0
    /// Of these, the ones that were expected.
    public private(set) var rightCount = 0
    /// Rows of whose experts the heaviest was expected to be that.
    public private(set) var rightFirstCount = 0

    public init() {}

    /// Judges a guess of the same rows.
    public mutating func add(_ guess: Routing, _ choice: Routing) {
        guard guess.rowCount == choice.rowCount, guess.topK == choice.topK else { return }
        for row in 0..<choice.rowCount {
            let places = row * choice.topK..<(row + 1) * choice.topK
            let expected = guess.experts[places]
            rowCount += 1
            choiceCount += choice.topK
            rightCount += choice.experts[places].count { expected.contains($0) }
            if expected.first == choice.experts[places].first { rightFirstCount += 1 }
        }
    }

    public mutating func add(_ other: ForesightScore) {
        rowCount += other.rowCount
        choiceCount += other.choiceCount
        rightCount += other.rightCount
        rightFirstCount += other.rightFirstCount
    }

    /// The share of the chosen experts that were expected; nil where nothing was guessed.
    public var accuracy: Double? {
        choiceCount > 0 ? Double(rightCount) / Double(choiceCount) : nil
    }

    /// The share of the rows whose heaviest expert was expected to be that.
    public var firstAccuracy: Double? {
        rowCount > 0 ? Double(rightFirstCount) / Double(rowCount) : nil
    }
}
