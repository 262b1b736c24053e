import Cluster
import ClusterTesting
import Coordinator
import Generation
import Inference
import Wire

/// What simulated clients ask, and what an undisturbed model answers.
enum Question: Hashable, Sendable {
    /// A job: text from a prompt.
    case job(Int)
    /// An evaluation: logits of given tokens, whose bits tell of the smallest mistake.
    case evaluation(Int)

    static let jobCount = 12
    /// Further jobs, whose prompts of several pages begin alike.
    static let longJobCount = 3
    static let evaluationCount = 6

    static func random(_ chance: Chance) -> Question {
        chance.happens(0.6)
            ? .job(chance.number(0...jobCount - 1))
            : .evaluation(chance.number(0...evaluationCount - 1))
    }

    func message(tag: UInt64) -> ClientMessage {
        switch self {
        case .job(let index): .submit(Self.submit(index, tag: tag))
        case .evaluation(let index): .evaluate(Self.evaluate(index, tag: tag))
        }
    }

    private static func submit(_ index: Int, tag: UInt64) -> Submit {
        let words = ["a", "bb", "the cat", "0123456789", "x y z", "and then"]
        var places = (0...index).map { $0 * 7 + index }
        if index >= jobCount { places = Array(0..<80) + places }
        let prompt = places.map { words[$0 % words.count] }.joined(by: " ")
        return Submit(
            tag: tag,
            prompt: prompt,
            maximumTokens: 1 + index * 5 % 11,
            sampling: SamplingRequest(
                temperature: index.isMultiple(of: 2) ? 0 : 0.9,
                seed: UInt64(index)
            )
        )
    }

    private static func evaluate(_ index: Int, tag: UInt64) -> Evaluate {
        let tokens = (0..<(1 + index * index)).map { Int32(($0 * 37 + index * 11) % 200) }
        return Evaluate(tag: tag, tokens: tokens, top: 4, scoreFrom: 0)
    }
}

extension [String] {
    fileprivate func joined(by separator: String) -> String { joined(separator: separator) }
}

/// What becomes of a question when nothing goes wrong.
struct Answers: Sendable {
    private var tokens: [Int: [Int32]] = [:]
    private var evaluations: [Int: EvaluationReply] = [:]

    static var shared: Answers {
        get throws { try computed.get() }
    }

    /// Where every expert is cut in halves.
    static var cut: Answers {
        get throws { try computedCut.get() }
    }

    private static let computed = Result {
        let model = try SimulatedModel.shared
        return try Answers(model) { model.whole.forward() }
    }

    private static let computedCut = Result {
        let model = try SimulatedModel.shared
        return try Answers(model) { try model.whole.forward(shards: SimulatedModel.halves) }
    }

    /// Computes all of them in one process, without any cluster.
    private init(_ model: SimulatedModel, _ forward: () throws -> ForwardPass) throws {
        for index in 0..<Question.jobCount + Question.longJobCount {
            guard case .submit(let submit) = Question.job(index).message(tag: 0) else { continue }
            tokens[index] = try Self.tokens(submit, model, forward())
        }
        for index in 0..<Question.evaluationCount {
            guard case .evaluate(let evaluate) = Question.evaluation(index).message(tag: 0) else {
                continue
            }
            evaluations[index] = try Self.reply(evaluate, forward())
        }
    }

    func tokens(ofJob index: Int) -> [Int32] { tokens[index] ?? [] }
    func evaluation(_ index: Int) -> EvaluationReply? { evaluations[index] }

    private static func tokens(
        _ submit: Submit,
        _ model: SimulatedModel,
        _ forward: ForwardPass
    ) throws -> [Int32] {
        let engine = Engine(
            forward: forward,
            tokenizer: model.served.tokenizer,
            limits: Scheduler.Limits()
        )
        var result: GenerationResult?
        let request = try GenerationRequest(submit, tokenizer: model.served.tokenizer)
        _ = try engine.add(request) { if case .ended(let end) = $0 { result = end } }
        while engine.hasWork { engine.step() }
        return result?.tokens ?? []
    }

    private static func reply(
        _ evaluate: Evaluate,
        _ forward: ForwardPass
    ) throws -> EvaluationReply {
        let evaluation = Evaluation(forward: forward, tokens: evaluate.tokens)
        var reply = EvaluationReply(tag: 0, positions: [], scores: [])
        while !evaluation.isFinished {
            try evaluation.step { position, logits in
                let top = Evaluation.top(evaluate.top, of: logits)
                reply.positions.append(TopLogits(ids: top.ids, logits: top.logits))
                guard position + 1 < evaluate.tokens.count else { return }
                let next = evaluate.tokens[position + 1]
                reply.scores.append(Perplexity.logProbability(of: next, in: logits))
            }
        }
        return reply
    }
}
