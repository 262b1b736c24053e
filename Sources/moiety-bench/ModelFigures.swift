import Benchmarking
import Kernels
import Model
import Tensors
import Terminal

/// What `moiety-bench model` found, and what its `--json` prints.
struct ModelFigures: Encodable {
    private let model: String
    private let weights: WeightBytes
    private let threadCount: Int
    private let instructionSet: String
    private let depth: Int
    private let rates: Rates
    private let bandwidth: Sample?
    private let disk: DiskFigures?
    /// The most that this process had in memory.
    private let peak: Int?

    init(
        loaded: LoadedModel,
        depth: Int,
        rates: Rates,
        bandwidth: Sample?,
        disk: DiskFigures?
    ) {
        model = loaded.file.description.name
        weights = WeightBytes(of: loaded.file)
        threadCount = loaded.kernels.threadCount
        instructionSet = loaded.kernels.instructionSet.name
        self.depth = depth
        self.rates = rates
        self.bandwidth = bandwidth
        self.disk = disk
        peak = MemoryBudget.peakByteCount()
    }

    private var sequenceCount: Int { rates.workload.batch }

    /// Bytes of weights read in one step.
    private var stepByteCount: Int { weights.step(rows: sequenceCount) }

    /// Bytes of weights read per second of decode.
    private var decodeBytesPerSecond: Sample? {
        rates.decode?.map { $0 / Double(sequenceCount) * Double(stepByteCount) }
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
        if let prefill = rates.prefill {
            table.add(["prefill \(rates.workload.promptTokens)", prefill.text() + " tok/s"])
        }
        if let decode = rates.decode {
            let many = sequenceCount > 1 ? ", \(sequenceCount) sequences" : ""
            let deep = depth > 0 ? " at \(depth)" : ""
            let name = "decode \(rates.workload.newTokens)\(deep)\(many)"
            table.add([name, decode.text() + " tok/s"])
            table.add(["weights per step", Format.bytes(stepByteCount)])
        }
        if let rate = decodeBytesPerSecond {
            table.add(["weights read", rate.map(\.giga).text() + " GB/s"])
        }
        if let bandwidth, let share {
            table.add(["bandwidth", bandwidth.map(\.giga).text() + " GB/s"])
            table.add(["share", share.map { $0 * 100 }.text() + " %"])
        }
        disk?.add(to: &table)
        if let peak { table.add(["memory at most", Format.bytes(peak)]) }
        return table
    }

    private enum CodingKeys: String, CodingKey {
        case model, threads, context
        case instructionSet = "instruction_set"
        case weightBytes = "weight_bytes_per_step"
        case coordinatorBytes = "coordinator_weight_bytes_per_step"
        case decodeGBPerSecond = "decode_gb_s"
        case bandwidth = "read_gb_s"
        case share = "decode_bandwidth_share"
        case disk
        case peak = "peak_memory_bytes"
    }

    func encode(to encoder: any Encoder) throws {
        try rates.encode(to: encoder)
        var object = encoder.container(keyedBy: CodingKeys.self)
        try object.encode(model, forKey: .model)
        try object.encode(threadCount, forKey: .threads)
        try object.encode(instructionSet, forKey: .instructionSet)
        try object.encode(depth, forKey: .context)
        try object.encodeIfPresent(peak, forKey: .peak)
        try object.encodeIfPresent(disk, forKey: .disk)
        guard let rate = decodeBytesPerSecond else { return }
        try object.encode(stepByteCount, forKey: .weightBytes)
        try object.encode(weights.coordinator(rows: sequenceCount), forKey: .coordinatorBytes)
        try object.encode(rate.median.giga.rounded3, forKey: .decodeGBPerSecond)
        try object.encodeIfPresent(bandwidth?.median.giga.rounded3, forKey: .bandwidth)
        try object.encodeIfPresent(share?.median.rounded3, forKey: .share)
    }
}
