import ArgumentParser
import Generation
import Inference
import Model

/// Where given tokens are computed: in this process, or on a cluster.
protocol Evaluator {
    /// Computes all positions.
    ///
    /// `top` is how many of each position's largest logits are wanted, 0 for none. Positions from
    /// `scoreFrom` on return the log-probability of the token after them, with nil none does.
    func evaluate(_ tokens: [Int32], top: Int, scoreFrom: Int?) async throws -> EvaluatedTokens
}

struct EvaluatedTokens {
    var positions: [Evaluation.Position] = []
    var logProbabilities: [Double] = []
    /// In which precision they used experts; nil where they are exact.
    var expertUses: TierUses?
}

/// Computes in this process.
struct LocalEvaluator: Evaluator {
    let forward: ForwardPass

    func evaluate(_ tokens: [Int32], top: Int, scoreFrom: Int?) throws -> EvaluatedTokens {
        var result = EvaluatedTokens()
        let evaluation = Evaluation(forward: forward, tokens: tokens)
        while !evaluation.isFinished {
            try evaluation.step { position, logits in
                if top > 0 { result.positions.append(Evaluation.top(top, of: logits)) }
                guard let scoreFrom, position >= scoreFrom, position + 1 < tokens.count else {
                    return
                }
                result.logProbabilities.append(
                    Perplexity.logProbability(of: tokens[position + 1], in: logits)
                )
            }
        }
        return result
    }
}

/// Options of commands that compute here or on a cluster.
struct EvaluationOptions: ParsableArguments {
    @OptionGroup var model: ModelOptions
    @OptionGroup var cache: CacheOptions

    @Option(help: "A plan file: experts are summed worker by worker as it says.")
    var plan: String?

    @Option(help: "Compute on the cluster of this coordinator, tcp://HOST:PORT.")
    var coordinator: String?

    @OptionGroup var keys: KeyOptions
    @OptionGroup var memory: LocalMemoryOptions

    func validate() throws {
        guard plan == nil || coordinator == nil else {
            throw ValidationError("--plan is for one process; a cluster has its own plan")
        }
        guard memory.memory == nil || (plan == nil && coordinator == nil) else {
            throw ValidationError(
                "--memory is for one process that computes everything, without --plan"
            )
        }
    }

    /// - Parameter positions: of the longest text that is evaluated at once.
    func makeEvaluator(positions: Int) throws -> any Evaluator {
        if let coordinator { return try RemoteEvaluator(coordinator: coordinator, keys: keys) }
        let file = try ModelFile(path: model.model)
        if let budget = try memory.allowance() {
            let rows = min(positions, Evaluation.usualChunk)
            return LocalEvaluator(
                forward: try LocalModel.load(
                    file,
                    threads: model.computeThreads(),
                    budget: budget,
                    positions: positions,
                    rows: rows,
                    logitRows: rows,
                    cacheFormat: cache.format
                )
            )
        }
        return LocalEvaluator(
            forward: try LocalModel.load(
                file,
                threads: model.computeThreads(),
                planPath: plan,
                cacheFormat: cache.format
            )
        )
    }
}
