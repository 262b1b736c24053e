public import Caching
import Model
public import Placement

/// Guesses the second half of each trace's choices from the first half.
///
/// Each trace is a task. Nothing is learnt from what is guessed.
public struct PredictionBenchmark {
    /// How good one way to guess was.
    public struct Result: Sendable {
        public let name: String
        public let score: PredictionScore
    }

    /// How much of a task's second half falls on the experts chosen to be resident.
    public struct Coverage: Sendable {
        /// Which part of each layer's experts is resident.
        public let share: Double
        /// Where they are chosen by frequency of the task.
        public let task: Double
        /// By frequency of all tasks together.
        public let allTasks: Double
        /// How many of the experts that the second half uses most are among them.
        public let overlap: Double
    }

    private let traces: [RoutingTrace]
    private let predictor: ExpertPredictor
    private let maps: [RoutingMaps]

    /// - Precondition: the traces are of one model.
    public init(_ traces: [RoutingTrace]) {
        precondition(
            !traces.isEmpty
                && traces.allSatisfy {
                    $0.expertCounts == traces[0].expertCounts && $0.topK == traces[0].topK
                },
            "traces of different models"
        )
        self.traces = traces.map { $0.regrouped(rows: 1) }
        var predictor = ExpertPredictor(
            expertCounts: traces[0].expertCounts,
            topK: traces[0].topK,
            taskCount: traces.count
        )
        var maps: [RoutingMaps] = []
        for (task, trace) in self.traces.enumerated() {
            var own = RoutingMaps(expertCounts: trace.expertCounts, topK: trace.topK)
            for step in 0..<trace.stepCount / 2 {
                let chosen = Self.chosen(trace, step)
                predictor.count(chosen, task: task)
                own.record(chosen)
            }
            maps.append(own)
        }
        self.predictor = predictor
        self.maps = maps
    }

    private static func chosen(_ trace: RoutingTrace, _ step: Int) -> [UInt16] {
        trace.expertLayers.flatMap { trace.experts(step: step, layer: $0) }
    }

    /// Token by token and layer by layer, with what the layers before chose, and for maps also what
    /// the token before chose.
    public func tokens() -> [Result] {
        let none = PredictionScore(expertCount: predictor.numbering.count)
        var scores = Array(repeating: none, count: 3)
        for (task, trace) in traces.enumerated() {
            for step in trace.stepCount / 2..<trace.stepCount {
                let chosen = Self.chosen(trace, step)
                let previous = Self.chosen(trace, step - 1)
                for place in 0..<predictor.numbering.placeCount {
                    let guesses = guesses(chosen, previous, at: place, task: task)
                    count(guesses, chosen, at: place, in: &scores)
                }
            }
        }
        let names = ["frequency of the task", "and transitions", "and likest maps"]
        return zip(names, scores).map { Result(name: $0, score: $1) }
    }

    private func guesses(
        _ chosen: [UInt16],
        _ previous: [UInt16],
        at place: Int,
        task: Int
    ) -> [[UInt16]] {
        let topK = predictor.topK
        let frequencies = predictor.frequencies(at: place, task: task)
        let before = chosen[max(0, place - 1) * topK..<place * topK]
        let scores = predictor.scores(at: place, after: before, task: task)
        let votes = maps[task].votes(
            at: place,
            after: chosen[..<(place * topK)],
            previous: previous
        )
        // Both say how likely an expert is; where maps say never, the tables may know better.
        let sum = scores.reduce(0, +)
        let both = scores.indices.map {
            (votes[$0] + Self.tableShare * frequencies[$0]) * (scores[$0] / sum).squareRoot()
        }
        return [frequencies, scores, both].map { ExpertRanking.highest($0, count: topK) }
    }

    private static let tableShare = 0.02

    private func count(
        _ guesses: [[UInt16]],
        _ chosen: [UInt16],
        at place: Int,
        in scores: inout [PredictionScore]
    ) {
        let first = predictor.numbering.numbers(at: place).lowerBound
        let topK = predictor.topK
        let actual = chosen[place * topK..<(place + 1) * topK].map { first + Int($0) }
        for (index, guess) in guesses.enumerated() {
            scores[index].count(guessed: guess.map { first + Int($0) }, chosen: actual)
        }
    }

    // MARK: Residency

    /// What the experts that the predictor would keep resident are worth.
    public func coverages(shares: [Double] = [0.2, 0.4, 0.6, 0.8]) -> [Coverage] {
        let numbering = predictor.numbering
        return shares.map { share in
            var sums = (task: 0.0, all: 0.0, overlap: 0.0, uses: 0.0, kept: 0.0)
            for task in traces.indices {
                let uses = secondHalfUses(task)
                for place in 0..<numbering.placeCount {
                    let experts = numbering.numbers(at: place)
                    let count = max(predictor.topK, Int(Double(experts.count) * share + 0.5))
                    let own = uses[experts]
                    let kept = ExpertRanking.highest(
                        predictor.frequencies(at: place, task: task),
                        count: count
                    )
                    let most = ExpertRanking.highest(own.map { $0 }, count: count)
                    let any = ExpertRanking.highest(overall(place), count: count)
                    sums.task += kept.reduce(0) { $0 + own[experts.lowerBound + Int($1)] }
                    sums.all += any.reduce(0) { $0 + own[experts.lowerBound + Int($1)] }
                    sums.uses += own.reduce(0, +)
                    sums.overlap += Double(Set(kept).intersection(most).count)
                    sums.kept += Double(count)
                }
            }
            return Coverage(
                share: share,
                task: sums.task / sums.uses,
                allTasks: sums.all / sums.uses,
                overlap: sums.overlap / sums.kept
            )
        }
    }

    private func overall(_ place: Int) -> [Double] {
        let all = traces.indices.map { predictor.frequencies(at: place, task: $0) }
        return all[0].indices.map { expert in all.reduce(0) { $0 + $1[expert] } }
    }

    private func secondHalfUses(_ task: Int) -> [Double] {
        let trace = traces[task]
        var uses = Array(repeating: 0.0, count: predictor.numbering.count)
        for step in trace.stepCount / 2..<trace.stepCount {
            let chosen = Self.chosen(trace, step)
            for (index, expert) in chosen.enumerated() {
                let experts = predictor.numbering.numbers(at: index / predictor.topK)
                uses[experts.lowerBound + Int(expert)] += 1
            }
        }
        return uses
    }
}
