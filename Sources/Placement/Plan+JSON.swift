import Model

extension Plan {
    /// Reads a plan file.
    ///
    /// `{"epoch":n,"workers":["a","b"],"layers":[[entry of expert 0, …], …]}`, where an entry is a
    /// worker index, `{"replicas":[0,1]}` or `{"shards":[{"worker":0,"from":0,"to":384}, …]}`.
    /// The result is well-formed; `validate` checks it against a model.
    public init(json: [UInt8], limits: Limits = Limits()) throws(PlanError) {
        guard json.count <= limits.fileByteCount else {
            throw .fileTooLarge(byteCount: json.count, limit: limits.fileByteCount)
        }
        var reader = JSONReader<PlanError>(json)
        self = try reader.plan(limits: limits)
        try reader.end()
        try validateWorkers(limits: limits)
    }

    /// The plan as a plan file, one line per layer.
    public func json() -> [UInt8] {
        let names = workers.map { "\"\($0)\"" }.joined(separator: ",")
        let lines = layers.map { entries in
            "[" + entries.map(\.json).joined(separator: ",") + "]"
        }
        let text = """
            {"epoch":\(epoch),
            "workers":[\(names)],
            "layers":[
            \(lines.joined(separator: ",\n"))
            ]}

            """
        return Array(text.utf8)
    }
}

extension ExpertEntry {
    fileprivate var json: String {
        switch self {
        case .worker(let worker):
            return "\(worker)"
        case .replicas(let workers):
            return "{\"replicas\":[\(workers.map(String.init).joined(separator: ","))]}"
        case .shards(let shards):
            let parts = shards.map {
                "{\"worker\":\($0.worker),\"from\":\($0.from),\"to\":\($0.to)}"
            }
            return "{\"shards\":[\(parts.joined(separator: ","))]}"
        }
    }
}

extension JSONReader<PlanError> {
    fileprivate mutating func plan(limits: Plan.Limits) throws(PlanError) -> Plan {
        let keys = ["epoch", "workers", "layers"]
        var epoch: UInt64 = 0
        var workers: [WorkerName] = []
        var layers: [[ExpertEntry]] = []
        let seen = try object(keys: keys) { (reader, key) throws(PlanError) in
            reader.place = "\"\(key)\""
            switch key {
            case "epoch": epoch = try reader.integer()
            case "workers": workers = try reader.workerNames(limits: limits)
            default: layers = try reader.layers(limits: limits)
            }
            reader.place = "the top level"
        }
        try require(keys, in: seen)
        return Plan(epoch: Epoch(rawValue: epoch), workers: workers, layers: layers)
    }

    private mutating func workerNames(limits: Plan.Limits) throws(PlanError) -> [WorkerName] {
        var names: [WorkerName] = []
        try array(of: "workers", limit: limits.workers) { (reader, index) throws(PlanError) in
            reader.place = "worker \(index)"
            guard let name = WorkerName(rawValue: try reader.string()) else {
                throw reader.fault(
                    "a worker name is 1 to \(WorkerName.longest) characters of A-Z a-z 0-9 . _ -"
                )
            }
            names.append(name)
        }
        return names
    }

    private mutating func layers(limits: Plan.Limits) throws(PlanError) -> [[ExpertEntry]] {
        var layers: [[ExpertEntry]] = []
        try array(of: "layers", limit: limits.layers) { (reader, layer) throws(PlanError) in
            var entries: [ExpertEntry] = []
            reader.place = "layer \(layer)"
            let limit = limits.expertsPerLayer
            try reader.array(of: "experts in a layer", limit: limit) {
                (reader, index) throws(PlanError) in
                reader.place = "\(ExpertID(layer: LayerIndex(layer), index: index))"
                entries.append(try reader.entry(limits: limits))
            }
            layers.append(entries)
        }
        return layers
    }

    private mutating func entry(limits: Plan.Limits) throws(PlanError) -> ExpertEntry {
        guard peek() == UInt8(ascii: "{") else { return .worker(try integer()) }
        var entry: ExpertEntry?
        let limit = limits.partsPerExpert
        let seen = try object(keys: ["replicas", "shards"]) { (reader, key) throws(PlanError) in
            if key == "replicas" {
                var workers: [Int] = []
                try reader.array(of: "replicas", limit: limit) { (reader, _) throws(PlanError) in
                    workers.append(try reader.integer())
                }
                entry = .replicas(workers)
            } else {
                var shards: [Shard] = []
                try reader.array(of: "shards", limit: limit) { (reader, _) throws(PlanError) in
                    shards.append(try reader.shard())
                }
                entry = .shards(shards)
            }
        }
        guard let entry, seen.count == 1 else {
            throw fault("an entry has either \"replicas\" or \"shards\"")
        }
        return entry
    }

    private mutating func shard() throws(PlanError) -> Shard {
        let keys = ["worker", "from", "to"]
        var fields: [String: Int] = [:]
        let seen = try object(keys: keys) { (reader, key) throws(PlanError) in
            fields[key] = try reader.integer()
        }
        try require(keys, in: seen)
        return Shard(
            worker: fields["worker", default: 0],
            from: fields["from", default: 0],
            to: fields["to", default: 0]
        )
    }
}
