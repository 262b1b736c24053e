import Generation
import Messaging
import Wire

/// Computes on a cluster.
struct RemoteEvaluator: Evaluator {
    private let client: ClusterClient

    init(coordinator: String, keys: KeyOptions) throws {
        client = try ClusterClient(coordinator, keys: keys, waker: Waker())
    }

    func evaluate(_ tokens: [Int32], top: Int, scoreFrom: Int?) throws -> EvaluatedTokens {
        let tag = client.nextTag()
        try client.send(
            .evaluate(Evaluate(tag: tag, tokens: tokens, top: top, scoreFrom: scoreFrom))
        )
        while let message = try client.receive() {
            switch message {
            case .evaluation(let reply) where reply.tag == tag:
                return EvaluatedTokens(
                    positions: reply.positions.map {
                        Evaluation.Position(ids: $0.ids, logits: $0.logits)
                    },
                    logProbabilities: reply.scores,
                    expertUses: reply.expertUses
                )
            case .evaluationFailed(let failure) where failure.tag == tag:
                throw CommandFailure(failure.message)
            default: throw client.unexpected(message)
            }
        }
        throw CommandFailure("the evaluation was interrupted")
    }
}
