import ArgumentParser
import Benchmarking
import Terminal

/// What one process and a cluster are asked for alike.
struct WorkloadOptions: ParsableArguments {
    @Option(name: [.short, .long], help: "The model: a GGUF file, or its first part.")
    var model: String

    @Option(name: .short, help: "Tokens of the prompt; 0 measures no prefill.")
    var promptTokens = 512

    @Option(name: .short, help: "Tokens to make; 0 measures no decode.")
    var newTokens = 64

    @Option(help: "Sequences that are decoded together.")
    var batch = 1

    @Option(help: "Start of the random tokens.")
    var seed: UInt64 = 1

    func validate() throws {
        try requireRange("-p", promptTokens, 0...1 << 20)
        try requireRange("-n", newTokens, 0...1 << 20)
        try requireRange("--batch", batch, 1...256)
        guard promptTokens + newTokens > 0 else {
            throw ValidationError("-p and -n are 0; there is nothing to measure")
        }
    }
}

/// How fast a workload was done; figures encode it among their own keys.
struct Rates: Encodable {
    let workload: WorkloadOptions
    let prefill: Sample?
    let decode: Sample?

    private enum CodingKeys: String, CodingKey {
        case batch
        case promptTokens = "prompt_tokens"
        case newTokens = "new_tokens"
        case prefill = "prefill_tok_s"
        case prefillMinimum = "prefill_tok_s_min"
        case prefillMaximum = "prefill_tok_s_max"
        case decode = "decode_tok_s"
        case decodeMinimum = "decode_tok_s_min"
        case decodeMaximum = "decode_tok_s_max"
    }

    func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: CodingKeys.self)
        try object.encode(workload.batch, forKey: .batch)
        try object.encode(workload.promptTokens, forKey: .promptTokens)
        try object.encode(workload.newTokens, forKey: .newTokens)
        try object.encodeIfPresent(prefill?.median.rounded3, forKey: .prefill)
        try object.encodeIfPresent(prefill?.minimum.rounded3, forKey: .prefillMinimum)
        try object.encodeIfPresent(prefill?.maximum.rounded3, forKey: .prefillMaximum)
        try object.encodeIfPresent(decode?.median.rounded3, forKey: .decode)
        try object.encodeIfPresent(decode?.minimum.rounded3, forKey: .decodeMinimum)
        try object.encodeIfPresent(decode?.maximum.rounded3, forKey: .decodeMaximum)
    }
}
