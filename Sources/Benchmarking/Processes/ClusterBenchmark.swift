public import Cluster
import Wire

/// Prefill and decode of a cluster, as its clients see them.
public final class ClusterBenchmark {
    private let cluster: BenchmarkCluster
    private var prompts: PromptMaker

    public init(_ cluster: BenchmarkCluster, prompts: PromptMaker) {
        self.cluster = cluster
        self.prompts = prompts
    }

    /// Prompt tokens per second of one job that makes one token.
    public func prefillRate(promptTokenCount: Int) throws -> Double {
        let prompt = try prompts.prompt(tokenCount: promptTokenCount)
        let ended = try run([prompt], tokenCount: 1)
        return Double(ended[0].promptTokenCount) / (ended[0].prefillTime / .seconds(1))
    }

    /// Tokens made per second after each job's first, of all jobs together.
    ///
    /// Prompts are a few letters, so that decode begins at once and with an empty context.
    public func decodeRate(tokenCount: Int, jobCount: Int = 1) throws -> Double {
        var texts: [String] = []
        for _ in 0..<jobCount { texts.append(try prompts.prompt(tokenCount: 2)) }
        let ended = try run(texts, tokenCount: tokenCount + 1)
        let made = ended.map { $0.tokens.count - 1 }.reduce(0, +)
        guard 2 * made >= tokenCount * jobCount else {
            throw ClusterBenchmarkError.shortAnswers(
                tokens: made / jobCount,
                wanted: tokenCount
            )
        }
        let longest = ended.map { $0.decodeTime / .seconds(1) }.reduce(0, max)
        return Double(made) / longest
    }

    /// Where the trips to the workers have spent their time so far.
    public func trips() throws -> TripProfile {
        guard let connection = cluster.connection else {
            throw ClusterBenchmarkError.refused("the cluster was stopped")
        }
        return try connection.status().trips
    }

    private func run(_ texts: [String], tokenCount: Int) throws -> [Ended] {
        guard let connection = cluster.connection else {
            throw ClusterBenchmarkError.refused("the cluster was stopped")
        }
        return try connection.run(texts, tokenCount: tokenCount)
    }
}
