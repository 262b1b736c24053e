public import Model

// The form of the file; docs/PLACEMENT.md describes it.
extension KeptCounts {
    /// What every file of counts starts with.
    private static let magic = Array("MOIETYCT".utf8)
    private static let version: UInt32 = 1

    // MARK: Writing

    /// Writes what was counted as a file, in pieces of one layer of a task, so that it is never in
    /// memory as a whole.
    ///
    /// - Parameter sink: takes the pieces in order.
    public static func write<Failure: Error>(
        _ counter: ProfileCounter,
        _ recorder: StepRecorder,
        of model: ModelIdentity,
        to sink: ([UInt8]) throws(Failure) -> Void
    ) throws(Failure) {
        var hash = FileHasher()
        try put(head(counter, of: model), &hash, sink)
        for label in counter.labels {
            try put(head(of: label, counter), &hash, sink)
            for layer in counter.expertCounts.indices {
                let counts = counter.counts(under: label, layer: LayerIndex(layer))
                try put(tables(counts), &hash, sink)
            }
        }
        try put(steps(recorder), &hash, sink)
        try sink(hash.digest())
    }

    private static func put<Failure: Error>(
        _ bytes: [UInt8],
        _ hash: inout FileHasher,
        _ sink: ([UInt8]) throws(Failure) -> Void
    ) throws(Failure) {
        hash.update(bytes[...])
        try sink(bytes)
    }

    private static func head(_ counter: ProfileCounter, of model: ModelIdentity) -> [UInt8] {
        var bytes = magic
        bytes.append(littleEndian: version)
        bytes.append(littleEndian: model.fileByteCount)
        bytes += model.headerDigest
        let shape = [counter.expertCounts.count, counter.topK, counter.labels.count]
        for number in shape + counter.expertCounts {
            bytes.append(littleEndian: UInt32(clamping: number))
        }
        return bytes
    }

    private static func head(
        of label: ProfileCounter.Label,
        _ counter: ProfileCounter
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        let name = Array((counter.task(of: label) ?? "").utf8)
        bytes.append(littleEndian: UInt32(clamping: name.count))
        bytes += name
        for layer in counter.expertCounts.indices {
            let rows = counter.rows(under: label, layer: LayerIndex(layer))
            bytes.append(littleEndian: rows.bitPattern)
        }
        return bytes
    }

    private static func tables(_ counts: LayerCounts) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(
            LayerCounts.byteCount(experts: counts.experts, following: counts.following)
        )
        for table in [counts.activations, counts.coactivations, counts.transitions] {
            for count in table { bytes.append(littleEndian: count.bitPattern) }
        }
        return bytes
    }

    /// The sampled steps as a trace, with what else is known of the sample.
    private static func steps(_ recorder: StepRecorder) -> [UInt8] {
        let kept = recorder.kept
        var trace: [UInt8] = []
        do throws(ProfileError) {
            trace = try RoutingTrace(
                expertCounts: recorder.expertCounts,
                topK: recorder.topK,
                recorded: kept.samples
            ).bytes()
        } catch {
            // No file has steps of such a model; its counts are kept all the same.
        }
        var bytes: [UInt8] = []
        bytes.append(littleEndian: UInt64(clamping: kept.stepCount))
        bytes.append(littleEndian: kept.meanRows.bitPattern)
        bytes.append(littleEndian: UInt64(clamping: trace.count))
        return bytes + trace
    }

    // MARK: Reading

    /// Reads a file of counts of this model.
    ///
    /// - Throws: `ProfileError` where it is damaged, or of another model.
    public init(
        bytes: [UInt8],
        of model: ModelIdentity,
        expertCounts: [Int],
        topK: Int,
        limits: Limits = Limits()
    ) throws(ProfileError) {
        guard bytes.count <= limits.fileByteCount else {
            throw .fileTooLarge(byteCount: bytes.count, limit: limits.fileByteCount)
        }
        guard bytes.starts(with: Self.magic) else {
            throw .badCounts(offset: 0, reason: "it does not start with MOIETYCT")
        }
        var reader = CountsReader(bytes: bytes, offset: Self.magic.count)
        let version = try reader.number(4)
        guard version == UInt64(Self.version) else {
            throw reader.fault("it has version \(version); this release reads \(Self.version)")
        }
        try reader.checkSum()
        let found = try reader.model()
        guard found == model else { throw .otherModel(found: "\(found)", expected: "\(model)") }
        try reader.expect(expertCounts.count, "layers")
        try reader.expect(topK, "experts per row")
        let taskCount = try reader.number(4)
        for (layer, count) in expertCounts.enumerated() {
            try reader.expect(count, "experts of layer \(layer)")
        }
        let tasks = try reader.tasks(taskCount, expertCounts: expertCounts, limits: limits)
        let steps = try reader.steps(expertCounts: expertCounts, topK: topK)
        self.init(expertCounts: expertCounts, topK: topK, tasks: tasks, steps: steps)
    }
}

/// Reads little-endian numbers and says where they ended.
private struct CountsReader {
    /// Ends where the checksum begins.
    private var numbers: LittleEndianReader

    /// More rows than this are counted nowhere, however slowly they fade.
    private static let mostRows = 1e15
    private static let mostSteps: UInt64 = 1 << 53

    init(bytes: [UInt8], offset: Int) {
        numbers = LittleEndianReader(
            bytes,
            from: offset,
            to: bytes.count - FileHasher.byteCount
        )
    }

    func fault(_ reason: String) -> ProfileError {
        .badCounts(offset: numbers.offset, reason: reason)
    }

    private var endsTooEarly: ProfileError { fault("it ends too early") }

    /// Whatever is damaged, or missing at the end, shows here.
    func checkSum() throws(ProfileError) {
        var hash = FileHasher()
        hash.update(numbers.bytes[..<numbers.end])
        guard hash.digest() == Array(numbers.bytes[numbers.end...]) else {
            throw .badCounts(offset: numbers.end, reason: "its checksum is another one")
        }
    }

    /// An unsigned number of so many bytes, 8 at most.
    mutating func number(_ byteCount: Int) throws(ProfileError) -> UInt64 {
        guard let value = numbers.number(byteCount) else { throw endsTooEarly }
        return value
    }

    private mutating func take(_ byteCount: UInt64) throws(ProfileError) -> [UInt8] {
        guard let bytes = numbers.take(Int(clamping: byteCount)) else { throw endsTooEarly }
        return bytes
    }

    /// What the model says, too.
    mutating func expect(_ wanted: Int, _ what: String) throws(ProfileError) {
        let found = try number(4)
        guard found == UInt64(clamping: wanted) else {
            throw fault("\(what): \(found), and the model has \(wanted)")
        }
    }

    mutating func model() throws(ProfileError) -> ModelIdentity {
        let byteCount = try number(8)
        return ModelIdentity(
            fileByteCount: byteCount,
            headerDigest: try take(UInt64(ExpertDigest.byteCount))
        )
    }

    // MARK: Tasks

    mutating func tasks(
        _ count: UInt64,
        expertCounts: [Int],
        limits: KeptCounts.Limits
    ) throws(ProfileError) -> [KeptCounts.Task] {
        let following = Array(expertCounts.dropFirst()) + [0]
        let byteCount = zip(expertCounts, following).reduce(0) {
            $0 + LayerCounts.byteCount(experts: $1.0, following: $1.1)
        }
        let limit = min(limits.tasks, max(1, limits.tableByteCount / max(1, byteCount)))
        guard count <= UInt64(limit) else { throw fault("\(count) tasks; at most \(limit) fit") }
        var tasks: [KeptCounts.Task] = []
        for _ in 0..<count {
            let name = try name()
            guard !tasks.contains(where: { $0.name == name }) else {
                throw fault("task '\(name ?? "")' comes twice")
            }
            var rows: [Double] = []
            for _ in expertCounts { rows.append(try real()) }
            var layers: [LayerCounts] = []
            for (experts, following) in zip(expertCounts, following) {
                layers.append(try counts(experts: experts, following: following))
            }
            tasks.append(KeptCounts.Task(name: name, rows: rows, layers: layers))
        }
        return tasks
    }

    private mutating func name() throws(ProfileError) -> String? {
        let byteCount = try number(4)
        guard byteCount > 0 else { return nil }
        guard byteCount <= 64 else { throw fault("a task's name has \(byteCount) bytes") }
        let name = String(decoding: try take(byteCount), as: UTF8.self)
        guard Profile.isTask(name) else {
            throw fault("a task is 1 to 64 plain characters, not \(name.debugDescription)")
        }
        return name
    }

    private mutating func counts(
        experts: Int,
        following: Int
    ) throws(ProfileError) -> LayerCounts {
        let pairs = experts * max(0, experts - 1) / 2
        let counts = LayerCounts(
            activations: try table(experts),
            coactivations: try table(pairs),
            transitions: try table(experts * following),
            following: following
        )
        guard let counts else { throw fault("the tables of a layer do not fit together") }
        return counts
    }

    private mutating func table(_ count: Int) throws(ProfileError) -> [Float] {
        // Checked before anything is allocated.
        guard numbers.remaining / 4 >= count else { throw endsTooEarly }
        var table: [Float] = []
        table.reserveCapacity(count)
        for _ in 0..<count {
            let value = Float(bitPattern: UInt32(truncatingIfNeeded: try number(4)))
            try check(Double(value))
            table.append(value)
        }
        return table
    }

    private mutating func real() throws(ProfileError) -> Double {
        let value = Double(bitPattern: try number(8))
        try check(value)
        return value
    }

    private func check(_ value: Double) throws(ProfileError) {
        guard value >= 0, value <= Self.mostRows else { throw fault("it counts \(value)") }
    }

    // MARK: Steps

    mutating func steps(
        expertCounts: [Int],
        topK: Int
    ) throws(ProfileError) -> KeptCounts.Steps {
        let stepCount = try number(8)
        let meanRows = try real()
        let byteCount = try number(8)
        guard byteCount == UInt64(numbers.remaining) else {
            throw fault("\(byteCount) bytes of steps, and there are \(numbers.remaining)")
        }
        guard stepCount <= Self.mostSteps else { throw fault("it counts \(stepCount) steps") }
        var samples: [RecordedSteps] = []
        if byteCount > 0 {
            let trace = try RoutingTrace(bytes: take(byteCount))
            guard trace.expertCounts == expertCounts, trace.topK == topK else {
                throw fault("its steps are of another model")
            }
            samples = (0..<trace.stepCount).map { trace.recorded($0) }
        }
        guard stepCount >= UInt64(samples.count) else {
            throw fault("it counts \(stepCount) steps, and has \(samples.count)")
        }
        return KeptCounts.Steps(samples: samples, stepCount: Int(stepCount), meanRows: meanRows)
    }
}
