import Benchmarking
import Kernels
import Model
import Terminal

/// What `moiety-bench model` found, and what its `--json` prints.
struct ModelFigures: Encodable {
    private let prefill: Sample?
    private let decode: Sample?
    private let bandwidth: Sample?
    private let model: String
    private let weights: WeightBytes
    private let threadCount: Int
    private let instructionSet: String
    private let promptTokenCount: Int
    private let generatedTokenCount: Int
    private let depth: Int
    private let sequenceCount: Int

    init(
        command: ModelCommand,
        loaded: LoadedModel,
        prefill: Sample?,
        decode: Sample?,
        bandwidth: Sample?
    ) {
        self.prefill = prefill
        self.decode = decode
        self.bandwidth = bandwidth
        model = loaded.file.description.name
        weights = WeightBytes(of: loaded.file)
        threadCount = loaded.kernels.threadCount
        instructionSet = loaded.kernels.instructionSet.name
        promptTokenCount = command.promptTokens
        generatedTokenCount = command.newTokens
        depth = command.context
        sequenceCount = command.batch
    }

    /// Bytes of weights read in one step.
    private var stepByteCount: Int { weights.step(rows: sequenceCount) }

    /// Bytes of weights read per second of decode.
    private var decodeBytesPerSecond: Sample? {
        decode?.map { $0 / Double(sequenceCount) * Double(stepByteCount) }
    }

    /// The share of the bandwidth measured beside it.
    private var share: Sample? {
        guard let bandwidth, let rate = decodeBytesPerSecond else { return nil }
        return rate.ratios(to: bandwidth)
    }

    var table: Table {
        var table = Table([("", .left), ("", .left)])
        table.add(["model", model])
        table.add(["threads", "\(threadCount), \(instructionSet)"])
        if let prefill {
            table.add(["prefill \(promptTokenCount)", prefill.text() + " tok/s"])
        }
        if let decode {
            let many = sequenceCount > 1 ? ", \(sequenceCount) sequences" : ""
            let deep = depth > 0 ? " at \(depth)" : ""
            table.add(["decode \(generatedTokenCount)\(deep)\(many)", decode.text() + " tok/s"])
            table.add(["weights per step", Format.bytes(stepByteCount)])
        }
        if let rate = decodeBytesPerSecond {
            table.add(["weights read", rate.map(\.giga).text() + " GB/s"])
        }
        if let bandwidth, let share {
            table.add(["bandwidth", bandwidth.map(\.giga).text() + " GB/s"])
            table.add(["share", share.map { $0 * 100 }.text() + " %"])
        }
        return table
    }

    private enum CodingKeys: String, CodingKey {
        case model, threads, batch, context
        case instructionSet = "instruction_set"
        case promptTokens = "prompt_tokens"
        case newTokens = "new_tokens"
        case prefill = "prefill_tok_s"
        case prefillMinimum = "prefill_tok_s_min"
        case prefillMaximum = "prefill_tok_s_max"
        case decode = "decode_tok_s"
        case decodeMinimum = "decode_tok_s_min"
        case decodeMaximum = "decode_tok_s_max"
        case weightBytes = "weight_bytes_per_step"
        case coordinatorBytes = "coordinator_weight_bytes_per_step"
        case decodeGBPerSecond = "decode_gb_s"
        case bandwidth = "read_gb_s"
        case share = "decode_bandwidth_share"
    }

    func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: CodingKeys.self)
        try object.encode(model, forKey: .model)
        try object.encode(threadCount, forKey: .threads)
        try object.encode(instructionSet, forKey: .instructionSet)
        try object.encode(promptTokenCount, forKey: .promptTokens)
        try object.encode(generatedTokenCount, forKey: .newTokens)
        try object.encode(sequenceCount, forKey: .batch)
        try object.encode(depth, forKey: .context)
        try object.encodeIfPresent(prefill?.median.rounded3, forKey: .prefill)
        try object.encodeIfPresent(prefill?.minimum.rounded3, forKey: .prefillMinimum)
        try object.encodeIfPresent(prefill?.maximum.rounded3, forKey: .prefillMaximum)
        try object.encodeIfPresent(decode?.median.rounded3, forKey: .decode)
        try object.encodeIfPresent(decode?.minimum.rounded3, forKey: .decodeMinimum)
        try object.encodeIfPresent(decode?.maximum.rounded3, forKey: .decodeMaximum)
        guard let rate = decodeBytesPerSecond else { return }
        try object.encode(stepByteCount, forKey: .weightBytes)
        try object.encode(weights.coordinator(rows: sequenceCount), forKey: .coordinatorBytes)
        try object.encode(rate.median.giga.rounded3, forKey: .decodeGBPerSecond)
        try object.encodeIfPresent(bandwidth?.median.giga.rounded3, forKey: .bandwidth)
        try object.encodeIfPresent(share?.median.rounded3, forKey: .share)
    }
}
