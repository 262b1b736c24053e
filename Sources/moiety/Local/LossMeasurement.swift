import Experts
import Generation
import Inference
import Model
import Tensors
import Terminal

/// Compares a model that is made smaller to fit into memory with itself, exact.
struct LossMeasurement {
    private let exact: ForwardPass
    private let lossy: ForwardPass

    /// Windows whose middle is continued by both.
    private static let continuedLimit = 16
    /// Tokens of each continuation.
    private static let continuedCount = 64

    /// - Parameters:
    ///   - text: what is judged.
    ///   - positions: of a window.
    init(_ options: EvaluationOptions, _ text: [UInt8], positions: Int) throws {
        let file = try ModelFile(path: options.model.model)
        guard let budget = try options.memory.allowance(for: options.memory.work(of: text)) else {
            throw CommandFailure("--lossy is for experts that do not fit; say how much --memory")
        }
        // A continuation begins in the middle of a window and may end behind it.
        let positions = positions + Self.continuedCount
        let rows = min(positions, Evaluation.usualChunk)
        lossy = try LocalModel.load(
            file,
            threads: options.model.computeThreads(),
            budget: budget,
            positions: positions,
            rows: rows,
            logitRows: rows,
            cacheFormat: options.cache.format
        )
        exact = try LocalModel.exactTwin(
            of: lossy,
            file,
            budget: budget,
            positions: positions,
            rows: rows,
            cacheFormat: options.cache.format
        )
    }

    func measure(_ perplexity: Perplexity) throws -> LossFigures {
        var loss = PredictionLoss()
        var agreements: [Double] = []
        let runner = lossy.experts as? any LossyRunner
        var uses = TierUses()
        for (number, window) in perplexity.windows.enumerated() {
            // What of a window is not judged is its prompt.
            try runner?.beginPrompt(tokenCount: perplexity.firstScored)
            let before = runner?.uses ?? uses
            try compare(window, from: perplexity.firstScored, into: &loss)
            uses.add(runner?.uses.since(before) ?? TierUses())
            if number < Self.continuedLimit {
                agreements.append(try agreement(after: window[..<perplexity.firstScored]))
            }
            let value = Format.fixed((loss.perplexityLoss ?? 0) * 100, digits: 2)
            Console.progress("window \(number + 1) of \(perplexity.windows.count), loss \(value) %")
        }
        return try LossFigures(loss, agreements, Deviation(uses, runner?.presence))
    }

    /// Predictions token by token, as answers are made; the exact ones may come many at a time.
    private func compare(
        _ window: [Int32],
        from first: Int,
        into loss: inout PredictionLoss
    ) throws {
        let reference = Evaluation(forward: exact, tokens: window)
        let answer = Evaluation(forward: lossy, tokens: window, chunk: 1)
        var expected: [[Float]] = []
        while !reference.isFinished {
            expected.removeAll(keepingCapacity: true)
            try reference.step { _, logits in expected.append(Array(logits)) }
            for exact in expected {
                try answer.step { position, logits in
                    guard position >= first, position + 1 < window.count else { return }
                    loss.add(exact: exact[...], lossy: logits, next: window[position + 1])
                }
            }
        }
    }

    private func agreement(after prompt: ArraySlice<Int32>) throws -> Double {
        let prompt = Array(prompt)
        let count = Self.continuedCount
        let first = try GreedyContinuation(after: prompt, count: count, by: exact)
        return first.agreement(
            with: try GreedyContinuation(after: prompt, count: count, by: lossy)
        )
    }
}

/// What `moiety perplexity --lossy` found, and what its `--json` prints.
struct LossFigures: Encodable {
    private let perplexity: Double
    private let exactPerplexity: Double
    private let perplexityLoss: Double
    private let divergence: Double
    private let sameLikeliest: Double
    private let greedyAgreement: Double
    private let deviation: Deviation
    private let tokens: Int
    /// The most that the process had in memory, with both models.
    private let peak = MemoryBudget.peakByteCount()

    fileprivate init(
        _ loss: PredictionLoss,
        _ agreements: [Double],
        _ deviation: Deviation
    ) throws {
        guard let lossy = loss.lossyPerplexity, let exact = loss.exactPerplexity,
            let part = loss.perplexityLoss, lossy.isFinite, exact.isFinite
        else {
            throw CommandFailure(
                "the perplexity is not finite; the model's weights may be damaged",
                code: CommandFailure.dataError
            )
        }
        perplexity = lossy
        exactPerplexity = exact
        perplexityLoss = part
        self.deviation = deviation
        divergence = loss.divergence ?? 0
        sameLikeliest = loss.agreement ?? 0
        greedyAgreement = agreements.reduce(0, +) / Double(max(1, agreements.count))
        tokens = loss.count
    }

    private enum CodingKeys: String, CodingKey {
        case perplexity, tokens
        case exactPerplexity = "exact_perplexity"
        case perplexityLoss = "perplexity_loss"
        case divergence = "kl_divergence"
        case sameLikeliest = "same_likeliest"
        case greedyAgreement = "greedy_agreement_64"
        case peak = "peak_memory_bytes"
    }

    func encode(to encoder: any Encoder) throws {
        try deviation.encode(to: encoder)
        var object = encoder.container(keyedBy: CodingKeys.self)
        try object.encode(perplexity, forKey: .perplexity)
        try object.encode(exactPerplexity, forKey: .exactPerplexity)
        try object.encode(perplexityLoss, forKey: .perplexityLoss)
        try object.encode(divergence, forKey: .divergence)
        try object.encode(sameLikeliest, forKey: .sameLikeliest)
        try object.encode(greedyAgreement, forKey: .greedyAgreement)
        try object.encode(tokens, forKey: .tokens)
        try object.encodeIfPresent(peak, forKey: .peak)
    }

    var text: String {
        func percent(_ part: Double) -> String { Deviation.percent(part, digits: 2) }
        var table = Table([("", .left), ("", .left)])
        table.add(["perplexity", Format.fixed(perplexity, digits: 4)])
        table.add(["exact", Format.fixed(exactPerplexity, digits: 4)])
        table.add(["loss", percent(perplexityLoss)])
        table.add(["KL divergence", Format.fixed(divergence, digits: 5)])
        table.add(["same likeliest token", percent(sameLikeliest)])
        table.add(["same greedy 64 tokens", percent(greedyAgreement)])
        deviation.add(to: &table)
        table.add(["tokens", "\(tokens)"])
        return table.text
    }
}
