import Caching
import Experts
public import Generation
import Inference
public import Kernels
public import Model

/// What answers lose where only some experts are in memory, and tokens take the next-ranked of
/// these.
///
/// The comparison of eMoE (arXiv 2503.06823, sections 4.3, 4.5 and 5): experts that the task uses
/// most, against those that all tasks together use most, and against as many drawn at random. Uses
/// are counted on one half of each task's text and judged on the other.
public struct ResidencyBenchmark {
    /// A task's text, in windows that are computed each by itself.
    public struct Text: Sendable {
        public let task: String
        /// `[window][position]`: what uses are counted on.
        public let seen: [[Int32]]
        /// What answers are judged on.
        public let unseen: [[Int32]]

        public init(task: String, seen: [[Int32]], unseen: [[Int32]]) {
            self.task = task
            self.seen = seen
            self.unseen = unseen
        }
    }

    /// Who is in memory.
    public enum Choice: String, CaseIterable, Sendable {
        /// Whom the task uses most.
        case task
        /// Whom all tasks together use most.
        case frequency
        /// Anybody.
        case random
    }

    /// What one choice of experts does to one task.
    public struct Result: Sendable {
        public let task: String
        public let choice: Choice
        /// The part of each layer's experts that is in memory.
        public let share: Double
        /// Bytes of all experts in memory.
        public let byteCount: Int
        /// Against what all experts predict.
        public let loss: PredictionLoss
        /// The mean part of `greedyLength` tokens, the likeliest each time, that are the same.
        public let greedyAgreement: Double
    }

    /// Tokens of an answer that are compared.
    public static let greedyLength = 64

    private let loaded: LoadedModel
    private let counter: CountingRunner
    private let numbering: ExpertNumbering

    public init(
        _ file: ModelFile,
        kernels: Kernels,
        progress: @Sendable (Double) -> Void = { _ in }
    ) throws(ModelError) {
        let expertCounts = file.description.expertCounts
        (loaded, counter) = try LoadedModel.watched(file, kernels: kernels, progress: progress) {
            CountingRunner(LocalRunner(held: $0, kernels: kernels), expertCounts: expertCounts)
        }
        numbering = ExpertNumbering(expertCounts: expertCounts)
    }

    /// Judges all choices for all tasks.
    ///
    /// - Parameters:
    ///   - shares: parts of each layer's experts that are in memory, 0 to 1; of each layer as many
    ///     are, at least, as a token takes.
    ///   - seed: of what is drawn at random.
    public func run(
        _ texts: [Text],
        shares: [Double],
        seed: UInt64 = 1,
        progress: (String) -> Void = { _ in }
    ) throws -> [Result] {
        let uses = try texts.map { text in
            progress("\(text.task): counting")
            return try count(text.seen)
        }
        var random = SeededRandom(seed: seed)
        return try texts.indices.flatMap { index in
            progress("\(texts[index].task): judging")
            let candidates = try shares.flatMap { share in
                try Choice.allCases.map { choice in
                    try candidate(choice, share, uses[index], uses, &random)
                }
            }
            return try judge(candidates, on: texts[index])
        }
    }

    // MARK: Choosing

    private struct Candidate {
        let choice: Choice
        let share: Double
        let present: PresentExperts
        let byteCount: Int
    }

    /// How often each expert was used, relative to its layer's others; `[place][expert]`.
    private func count(_ windows: [[Int32]]) throws(ForwardError) -> [[Double]] {
        counter.forget()
        counter.present = nil
        for window in windows { try loaded.compute(window) }
        return counter.uses.filter { !$0.isEmpty }.map { layer in
            let sum = max(1, layer.reduce(0, +))
            return layer.map { $0 / sum }
        }
    }

    private func candidate(
        _ choice: Choice,
        _ share: Double,
        _ own: [[Double]],
        _ all: [[[Double]]],
        _ random: inout SeededRandom
    ) throws(TooFewExperts) -> Candidate {
        let model = loaded.file.description
        let counts = (0..<numbering.placeCount).map { place in
            let count = numbering.numbers(at: place).count
            return min(count, max(model.expertsPerToken, Int((share * Double(count)).rounded())))
        }
        let frequencies: [[[Double]]] =
            switch choice {
            case .task: [own]
            case .frequency: all
            case .random: [own.map { layer in layer.map { _ in random.unit() } }]
            }
        let chosen = ResidentExperts.choose(
            for: frequencies.map { Self.demand($0) },
            counts: counts,
            numbering: numbering
        ).flatMap { $0 }
        return Candidate(
            choice: choice,
            share: share,
            present: try PresentExperts(chosen, of: model),
            byteCount: chosen.reduce(0) {
                $0 + loaded.file.layout.byteCount(of: ExpertSlice($1))
            }
        )
    }

    /// One request of a task whose layers all matter.
    private static func demand(_ frequencies: [[Double]]) -> TaskDemand {
        TaskDemand(
            inputTokens: [1],
            outputTokens: 0,
            frequencies: frequencies,
            isSensitive: Array(repeating: true, count: frequencies.count)
        )
    }

    // MARK: Judging

    private func judge(
        _ candidates: [Candidate],
        on text: Text
    ) throws(ForwardError) -> [Result] {
        var losses = Array(repeating: PredictionLoss(), count: candidates.count)
        var agreements = Array(repeating: 0.0, count: candidates.count)
        for window in text.unseen {
            try compare(window, candidates, &losses)
            let prompt = Array(window.prefix(window.count / 2))
            let exact = try continuation(after: prompt, nil)
            for (index, candidate) in candidates.enumerated() {
                let other = try continuation(after: prompt, candidate.present)
                agreements[index] += exact.agreement(with: other)
            }
        }
        return candidates.indices.map { index in
            Result(
                task: text.task,
                choice: candidates[index].choice,
                share: candidates[index].share,
                byteCount: candidates[index].byteCount,
                loss: losses[index],
                greedyAgreement: agreements[index] / Double(max(1, text.unseen.count))
            )
        }
    }

    /// Predicts a window with all experts and with each candidate's, side by side.
    private func compare(
        _ window: [Int32],
        _ candidates: [Candidate],
        _ losses: inout [PredictionLoss]
    ) throws(ForwardError) {
        let forward = loaded.forward
        defer { counter.present = nil }
        let reference = Evaluation(forward: forward, tokens: window)
        let others = candidates.map { _ in Evaluation(forward: forward, tokens: window) }
        while !reference.isFinished {
            var rows: [Int: [Float]] = [:]
            counter.present = nil
            try reference.step { position, logits in rows[position] = Array(logits) }
            for (index, other) in others.enumerated() {
                counter.present = candidates[index].present
                try other.step { position, logits in
                    guard position + 1 < window.count, let row = rows[position] else { return }
                    losses[index].add(exact: row[...], lossy: logits, next: window[position + 1])
                }
            }
        }
    }

    /// The likeliest tokens after a prompt.
    private func continuation(
        after prompt: [Int32],
        _ present: PresentExperts?
    ) throws(ForwardError) -> GreedyContinuation {
        counter.present = present
        defer { counter.present = nil }
        return try GreedyContinuation(
            after: prompt,
            count: Self.greedyLength,
            by: loaded.forward
        )
    }
}
