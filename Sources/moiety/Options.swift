import ArgumentParser
import Foundation
import Inference
import Kernels
import Settings
import Terminal
import Tokenizer

/// Which model, and how many threads compute it.
struct ModelOptions: ParsableArguments {
    @Option(name: [.short, .long], help: "The model: a GGUF file, or its first part.")
    var model: String

    @Option(name: [.short, .long], help: "Threads that compute; 0 takes one per core.")
    var threads = 0

    @Option(help: "CPUs to bind those threads to, one each: 0,2 or 0-3.")
    var cpus: String?

    func validate() throws {
        guard (0...1024).contains(threads) else {
            throw ValidationError("--threads is \(threads); it must be 0 to 1024")
        }
        guard let cpus, CPUList.cpus(of: cpus) == nil else { return }
        throw ValidationError("--cpus is \(cpus); it must be \(CPUList.allowed)")
    }

    func computeThreads() throws(KernelsError) -> ComputeThreads {
        try ComputeThreads(
            wanted: threads,
            cpus: cpus.flatMap(CPUList.cpus) ?? [],
            takesAllCores: true
        )
    }
}

/// How tokens are chosen; names and defaults are llama-server's.
struct SamplingOptions: ParsableArguments {
    @Option(name: [.customLong("temp"), .long], help: "0 always takes the likeliest token.")
    var temperature: Float = 0.8

    @Option(help: "Keep the k likeliest tokens; 0 keeps all.")
    var topK = 40

    @Option(help: "Keep the likeliest tokens up to this probability together.")
    var topP: Float = 0.95

    @Option(help: "Drop tokens less likely than this share of the likeliest.")
    var minP: Float = 0.05

    @Option(help: "Divide the logits of recent tokens by this.")
    var repeatPenalty: Float = 1

    @Option(help: "How many recent tokens the penalties see; -1 all.")
    var repeatLastN = 64

    @Option(help: "Subtract this from the logits of recent tokens.")
    var presencePenalty: Float = 0

    @Option(help: "Subtract this once per occurrence among recent tokens.")
    var frequencyPenalty: Float = 0

    @Option(name: [.short, .long], help: "Start of the random choices; without it they differ.")
    var seed: UInt64?

    var sampling: Sampling {
        var sampling = Sampling()
        sampling.temperature = temperature
        sampling.topK = topK
        sampling.topP = topP
        sampling.minP = minP
        sampling.repeatPenalty = repeatPenalty
        sampling.repeatLastN = repeatLastN
        sampling.presencePenalty = presencePenalty
        sampling.frequencyPenalty = frequencyPenalty
        sampling.seed = seed
        return sampling
    }

    func validate() throws {
        do {
            try sampling.validate()
        } catch {
            throw ValidationError("\(error)")
        }
    }
}

/// The prompt: an argument, or standard input when it is no terminal.
struct PromptOptions: ParsableArguments {
    @OptionGroup var text: TextOptions

    @Option(name: [.customShort("n"), .customLong("predict")], help: "Tokens to make at most.")
    var maximumTokens = 128

    @Option(name: .long, help: "End before this text; may be given several times.")
    var stop: [String] = []

    func validate() throws {
        guard maximumTokens > 0 else {
            throw ValidationError("-n is \(maximumTokens); it must be 1 or more")
        }
    }

    /// The prompt's bytes; never none.
    func read() throws -> [UInt8] {
        let prompt = try text.read()
        guard !prompt.isEmpty else { throw ValidationError("the prompt is empty; give some text") }
        return prompt
    }
}

/// A text: an argument, or standard input when it is no terminal.
struct TextOptions: ParsableArguments {
    @Option(
        name: [.customShort("p"), .customLong("prompt")],
        help: "The text, taken as it is; without it standard input is read."
    )
    var argument: String?

    func read() throws -> [UInt8] {
        if let argument { return Array(argument.utf8) }
        guard !Console.inputIsTerminal else {
            throw ValidationError("give a text with -p, or on standard input")
        }
        let limit = Tokenizer.textByteLimit
        let data = try FileHandle.standardInput.read(upToCount: limit + 1) ?? Data()
        guard data.count <= limit else {
            throw CommandFailure(
                "the text is longer than \(limit) bytes",
                code: CommandFailure.dataError
            )
        }
        return Array(data)
    }
}

/// How this process keeps keys and values.
struct CacheOptions: ParsableArguments {
    @Option(help: "How keys and values are kept: f16, or q8_0 in little more than half the memory.")
    var kvType = CacheFormat.f16.rawValue

    var format: CacheFormat { CacheFormat(rawValue: kvType) ?? .f16 }

    func validate() throws {
        guard CacheFormat(rawValue: kvType) != nil else {
            let names = CacheFormat.allCases.map(\.rawValue).joined(separator: " or ")
            throw ValidationError("--kv-type is '\(kvType)'; it must be \(names)")
        }
    }
}
