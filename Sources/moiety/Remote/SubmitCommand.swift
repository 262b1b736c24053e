import ArgumentParser
import Inference
import Messaging
import Synchronization
import Terminal
import Wire

struct SubmitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Continue a prompt on a cluster.",
        discussion: "Ctrl-C cancels the job."
    )

    @OptionGroup var coordinator: CoordinatorOptions
    @OptionGroup var prompt: PromptOptions
    @OptionGroup var sampling: SamplingOptions

    @Option(help: "What the job is for; profiles tell tasks apart by it.")
    var task: String?

    @Flag(help: "Print one JSON object at the end instead of text.")
    var json = false

    func run() async throws {
        try await CommandFailure.report {
            let text = String(decoding: try prompt.read(), as: UTF8.self)
            let waker = try Waker()
            let client = try coordinator.connect(waker: waker)
            let output = AnswerOutput(streams: !json)
            let submission = Submission(client: client, output: output)
            Interrupt.cancelsOnce { waker.wake() }
            let ended = try submission.run(
                Submit(
                    tag: client.nextTag(),
                    prompt: text,
                    maximumTokens: prompt.maximumTokens,
                    sampling: SamplingRequest(sampling.sampling),
                    task: task,
                    stopTexts: prompt.stop
                )
            )
            try report(ended, output)
        }
    }

    private func report(_ ended: Ended, _ output: AnswerOutput) throws {
        switch ended.outcome {
        case .completed: break
        case .failed: throw CommandFailure("job \(ended.job) failed: \(ended.message)")
        case .cancelled:
            output.endLine()
            Console.note("job \(ended.job) was cancelled")
            throw ExitCode(Interrupt.exitCode)
        }
        guard json else { return output.end(summary: AnswerSummary(ended)) }
        try Console.writeJSON(SubmittedAnswer(ended, text: output.text))
    }
}

/// One job, from submitting it to its last word.
struct Submission {
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
private struct SubmittedAnswer: Encodable {
    let job: String
    let text: String
    let tokens: [Int32]
    let promptTokens: Int
    let prefillRate: Double
    let decodeRate: Double
    /// Rows of experts that each worker computed.
    let rows: [String: UInt64]

    enum CodingKeys: String, CodingKey {
        case job, text, tokens, rows
        case promptTokens = "prompt_tokens"
        case prefillRate = "prefill_tok_s"
        case decodeRate = "decode_tok_s"
    }

    init(_ ended: Ended, text: String) {
        let summary = AnswerSummary(ended)
        job = ended.job
        self.text = text
        tokens = ended.tokens
        promptTokens = ended.promptTokenCount
        prefillRate = summary.prefillRate
        decodeRate = summary.decodeRate
        rows = Dictionary(summary.rows) { $0 + $1 }
    }
}

extension SamplingRequest {
    fileprivate init(_ sampling: Sampling) {
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
