import Inference
import Terminal
import Wire

/// One job that ends with its command, from submitting it to its last word.
struct AttachedJob {
    let client: ClusterClient
    let output: AnswerOutput

    /// Submits and shows what is generated; being woken cancels the job.
    func run(_ request: Submit) throws -> Ended {
        try client.send(.submit(request))
        var job: String?
        var isCancelled = false
        while true {
            guard let message = try client.receive() else {
                isCancelled = true
                if let job { try client.send(.cancel(Cancel(job: job))) }
                continue
            }
            switch message {
            case .accepted(let accepted) where accepted.tag == request.tag:
                job = accepted.job
                if isCancelled { try client.send(.cancel(Cancel(job: accepted.job))) }
                Console.progress("job \(accepted.job) waits")
            case .progress(let progress):
                output.showPrompt(done: progress.promptTokensDone, total: progress.promptTokenCount)
            case .tokens(let tokens): output.write(tokens.text)
            case .ended(let ended): return ended
            case .cancelReply: continue
            default: throw client.unexpected(message)
            }
        }
    }
}

/// What `moiety submit --json` prints; names and all are promised to users.
struct SubmittedAnswer: Encodable {
    let job: String
    let text: String
    let tokens: [Int32]
    let promptTokens: Int
    let cachedTokens: Int
    let prefillRate: Double
    let decodeRate: Double
    /// Rows of experts that each worker computed.
    let rows: [String: UInt64]

    enum CodingKeys: String, CodingKey {
        case job, text, tokens, rows
        case promptTokens = "prompt_tokens"
        case cachedTokens = "cached_tokens"
        case prefillRate = "prefill_tok_s"
        case decodeRate = "decode_tok_s"
    }

    init(_ ended: Ended, text: String) {
        let summary = AnswerSummary(ended)
        job = ended.job
        self.text = text
        tokens = ended.tokens
        promptTokens = ended.promptTokenCount
        cachedTokens = ended.cachedTokenCount
        prefillRate = summary.prefillRate
        decodeRate = summary.decodeRate
        rows = Dictionary(summary.rows) { $0 + $1 }
    }
}

extension SamplingRequest {
    init(_ sampling: Sampling) {
        self.init(
            temperature: sampling.temperature,
            topK: sampling.topK,
            topP: sampling.topP,
            minP: sampling.minP,
            repeatPenalty: sampling.repeatPenalty,
            repeatLastN: sampling.repeatLastN,
            presencePenalty: sampling.presencePenalty,
            frequencyPenalty: sampling.frequencyPenalty,
            seed: sampling.seed
        )
    }
}
