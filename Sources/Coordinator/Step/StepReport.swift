import Cluster
package import Generation
import Inference
package import Ledger
package import Messaging
import Model
import Placement
package import Wire

/// What the step thread tells the loop thread.
package enum StepReport: Sendable {
    case event(JobID, GenerationEvent)
    case ended(JobID, GenerationResult, [WorkerRows])
    case evaluated(EvaluationJob, EvaluationResult)
    case evaluationFailed(EvaluationJob, String)
    case runner(RunnerEvent)
    case profile(ProfileReport, for: Peer)
    /// This task's rows count as those of others; told once.
    case uncountedTask(String)
    /// The step thread cannot go on.
    case broken(String)
    /// The last report.
    case stopped
}

extension [WorkerRows] {
    /// What was computed after `before` was taken.
    func since(_ before: [WorkerRows]) -> [WorkerRows] {
        map { rows in
            let earlier = before.first { $0.name == rows.name }?.rowCount ?? 0
            return WorkerRows(name: rows.name, rowCount: rows.rowCount - earlier)
        }
    }
}

/// The logits that an evaluation asked for.
package struct EvaluationResult: Sendable {
    var positions: [Evaluation.Position] = []
    var logProbabilities: [Double] = []
    /// Nil where all workers were exact.
    var expertUses: TierUses?
}

/// An evaluation under way on the step thread.
final class RunningEvaluation {
    let job: EvaluationJob
    let arrival: Instant
    private(set) var result = EvaluationResult()
    private let evaluation: Evaluation
    private var uses = CountedUses()

    init(job: EvaluationJob, forward: ForwardPass, arrival: Instant) {
        self.job = job
        self.arrival = arrival
        evaluation = Evaluation(forward: forward, tokens: job.tokens)
    }

    /// Pages of keys and values that its first step takes.
    var wantedPageCount: Int { evaluation.wantedPageCount }

    /// Rows of the next chunk.
    var nextRowCount: Int { evaluation.nextCount }

    /// Computes a chunk.
    ///
    /// - Returns: whether it was the last.
    func step() throws(ForwardError) -> Bool {
        try evaluation.step { position, logits in
            if job.top > 0 { result.positions.append(Evaluation.top(job.top, of: logits)) }
            guard let first = job.scoreFrom, position >= first,
                position + 1 < job.tokens.count
            else { return }
            result.logProbabilities.append(
                Perplexity.logProbability(of: job.tokens[position + 1], in: logits)
            )
        }
        return evaluation.isFinished
    }

    /// Counts how a chunk's rows used experts.
    func count(_ new: CountedUses) {
        uses.add(new)
        result.expertUses = uses.told
    }
}
