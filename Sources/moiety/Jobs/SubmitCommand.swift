import ArgumentParser
import Inference
import Messaging
import Terminal
import Wire

struct SubmitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Give jobs to a cluster.",
        discussion: """
            A job is on the coordinator's disk before its id is printed, and goes on whatever \
            becomes of this command: 'moiety wait' and 'moiety job' tell what came of it. With \
            --attached it is a matter of this command alone: it is not recorded, and Ctrl-C \
            cancels it.
            """
    )

    @OptionGroup var coordinator: CoordinatorOptions
    @OptionGroup var prompt: PromptOptions
    @OptionGroup var sampling: SamplingOptions
    @OptionGroup var batch: BatchOptions

    @Option(help: "What the job is for; profiles tell tasks apart by it.")
    var task: String?

    @Option(help: "Jobs of a higher one run before all others; from -10 to 10.")
    var priority = 0

    @Option(help: "Milliseconds within which the first token should come.")
    var sloTtft: Double?

    @Option(help: "Milliseconds from one token to the next, on the mean, that should be kept.")
    var sloTpot: Double?

    @Flag(help: "Print the answer when the job has ended; Ctrl-C leaves the job alone.")
    var wait = false

    @Flag(help: "Print the answer as it comes; Ctrl-C leaves the job alone.")
    var follow = false

    @Flag(help: "Print the answer as it comes; the job ends with this command.")
    var attached = false

    @Option(help: "How long a coordinator may be away, in seconds.")
    var patience = 600

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    func validate() throws {
        guard [wait, follow, attached].count(where: { $0 }) <= 1 else {
            throw ValidationError("choose one of --wait, --follow and --attached")
        }
        guard (0...86_400).contains(patience) else {
            throw ValidationError("--patience is \(patience); it must be 0 to 86400 seconds")
        }
        guard Submit.priorities.contains(priority) else {
            throw ValidationError("--priority is \(priority); it must be -10 to 10")
        }
        for (name, value) in [("--slo-ttft", sloTtft), ("--slo-tpot", sloTpot)] {
            guard let value, !(0.001...86_400_000).contains(value) else { continue }
            throw ValidationError("\(name) is \(value); it must be 0.001 to 86400000 milliseconds")
        }
        guard batch.file != nil else { return }
        guard prompt.text.argument == nil else {
            throw ValidationError("a batch has its prompts in its file; leave out -p")
        }
        guard !follow, !attached else {
            throw ValidationError("a batch is neither --follow nor --attached")
        }
    }

    func run() async throws {
        try await CommandFailure.report {
            if let file = batch.file { return try runBatch(file) }
            if attached { return try runAttached() }
            try runDurable()
        }
    }

    /// The job as the command line describes it.
    private func request(tag: UInt64, prompt text: String) -> Submit {
        var submit = Submit(
            tag: tag,
            prompt: text,
            maximumTokens: prompt.maximumTokens,
            sampling: SamplingRequest(sampling.sampling),
            task: task,
            stopTexts: prompt.stop,
            priority: priority
        )
        submit.objective = ServiceObjective(
            firstToken: sloTtft.map { .milliseconds($0) },
            eachToken: sloTpot.map { .milliseconds($0) }
        )
        return submit
    }

    // MARK: Durable

    private func runDurable() throws {
        let text = String(decoding: try prompt.read(), as: UTF8.self)
        let waker = try Waker()
        let line = try CoordinatorLine(coordinator, waker: waker, patience: .seconds(patience))
        let output = AnswerOutput(streams: follow && !json)
        let job = DurableJob(request(tag: 1, prompt: text), on: line) { output.write($0) }
        Interrupt.cancelsOnce { waker.wake() }
        guard let accepted = try job.submit() else { throw ExitCode(Interrupt.exitCode) }
        // One that was refused ends at once.
        guard wait || follow || !accepted.isDurable else { return try tell(accepted) }
        guard let ended = try job.finish() else {
            output.endLine()
            Console.note("job \(accepted.job) goes on; 'moiety wait \(accepted.job)' waits for it")
            throw ExitCode(Interrupt.exitCode)
        }
        if wait, !json, ended.outcome == .completed { Console.write(output.text + "\n") }
        try report(ended, output)
    }

    private func tell(_ accepted: Accepted) throws {
        guard json else { return Console.write("\(accepted.job)\n") }
        try Console.writeJSON(["job": accepted.job])
    }

    // MARK: Attached

    private func runAttached() throws {
        let text = String(decoding: try prompt.read(), as: UTF8.self)
        let waker = try Waker()
        let client = try coordinator.connect(waker: waker)
        let output = AnswerOutput(streams: !json)
        let submission = AttachedJob(client: client, output: output)
        Interrupt.cancelsOnce { waker.wake() }
        let ended = try submission.run(request(tag: client.nextTag(), prompt: text))
        try report(ended, output)
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
        let answer = SubmittedAnswer(ended, text: output.text)
        try Console.writeJSON(Joined(answer, ended.expertUses.map(Inexactness.init)))
    }

    // MARK: A batch

    private func runBatch(_ file: String) throws {
        guard let path = batch.output else {
            throw ValidationError("--output must say where the results go")
        }
        let lineCount = try BatchInput.check(file)
        let waker = try Waker()
        let line = try CoordinatorLine(coordinator, waker: waker, patience: .seconds(patience))
        let output = try BatchOutput(path: path)
        let jobs = try Batch(
            file,
            lineCount: lineCount,
            output: output,
            defaults: request(tag: 0, prompt: ""),
            window: batch.window,
            on: line
        )
        Interrupt.cancelsOnce { waker.wake() }
        guard try jobs.run() else {
            Console.note("interrupted; the same command goes on where it was")
            throw ExitCode(Interrupt.exitCode)
        }
        try output.finish()
        Console.note("\(Format.count(lineCount, "job")): \(jobs.failedCount) failed")
        guard jobs.failedCount == 0 else { throw ExitCode(1) }
    }
}

/// Many prompts from a file.
struct BatchOptions: ParsableArguments {
    @Option(help: "A file of prompts: a JSON object per line, as OpenAI's batches have them.")
    var file: String?

    @Option(help: "Where the results of --file go, a line each in the order in which they come.")
    var output: String?

    @Option(help: "Jobs of --file that are at the coordinator together.")
    var window = 64

    func validate() throws {
        guard (1...4096).contains(window) else {
            throw ValidationError("--window is \(window); it must be 1 to 4096")
        }
        guard (file == nil) == (output == nil) else {
            throw ValidationError("--file and --output belong together")
        }
    }
}
