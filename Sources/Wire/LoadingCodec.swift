import CProtobufC
import CWire
import Cluster
import Model
import Placement
import Tensors

extension Welcome {
    init(_ raw: Moiety__V1__Welcome, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            protocolVersion: raw.protocol_version,
            build: reader.text(raw.build, "welcome.build"),
            incarnation: Incarnation(rawValue: raw.incarnation),
            dataEndpoint: reader.text(raw.data_endpoint, "welcome.data_endpoint"),
            heartbeatInterval: reader.duration(
                raw.heartbeat_interval_nanoseconds,
                "welcome.heartbeat_interval_nanoseconds"
            ),
            silenceLimit: reader.duration(
                raw.silence_limit_nanoseconds,
                "welcome.silence_limit_nanoseconds"
            )
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Welcome> {
        unsafe writer.message(moiety__v1__welcome__init) { raw in
            unsafe raw.protocol_version = protocolVersion
            unsafe raw.build = writer.text(build)
            unsafe raw.incarnation = incarnation.rawValue
            unsafe raw.data_endpoint = writer.text(dataEndpoint)
            unsafe raw.heartbeat_interval_nanoseconds = heartbeatInterval.wireNanoseconds
            unsafe raw.silence_limit_nanoseconds = silenceLimit.wireNanoseconds
        }
    }
}

extension Manifest {
    init(_ raw: Moiety__V1__Manifest, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            modelName: reader.text(raw.model_name, "manifest.model_name"),
            architecture: reader.text(raw.architecture, "manifest.architecture"),
            model: ModelIdentity(reader.part(raw.model, "manifest.model"), reader),
            layerCount: reader.count(
                raw.layer_count,
                "manifest.layer_count",
                limit: reader.limits.expertCount
            ),
            expertCount: reader.count(
                raw.expert_count,
                "manifest.expert_count",
                limit: reader.limits.expertCount
            ),
            hiddenSize: reader.count(
                raw.hidden_size,
                "manifest.hidden_size",
                limit: reader.limits.width
            ),
            chunkEndpoint: reader.text(raw.chunk_endpoint, "manifest.chunk_endpoint"),
            layout: nil
        )
        guard let layout = unsafe raw.layout else { return }
        self.layout = try unsafe ExpertLayout(layout.pointee, of: self, reader)
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Manifest> {
        unsafe writer.message(moiety__v1__manifest__init) { raw in
            unsafe raw.model_name = writer.text(modelName)
            unsafe raw.architecture = writer.text(architecture)
            unsafe raw.model = model.raw(writer)
            unsafe raw.layer_count = UInt32(clamping: layerCount)
            unsafe raw.expert_count = UInt32(clamping: expertCount)
            unsafe raw.hidden_size = UInt32(clamping: hiddenSize)
            unsafe raw.chunk_endpoint = writer.text(chunkEndpoint)
            if let layout { unsafe raw.layout = layout.raw(writer) }
        }
    }
}

extension ExpertLayout {
    /// Sizes that the manifest says already are taken from there.
    fileprivate init(
        _ raw: Moiety__V1__ExpertLayout,
        of manifest: Manifest,
        _ reader: MessageReader
    ) throws(WireError) {
        let limit = reader.limits.expertCount
        let widths = try unsafe reader.list(
            raw.widths,
            count: raw.n_widths,
            "layout.widths",
            limit: limit
        )
        let types = try unsafe [
            reader.list(raw.gate_types, count: raw.n_gate_types, "layout.gate_types", limit: limit),
            reader.list(raw.up_types, count: raw.n_up_types, "layout.up_types", limit: limit),
            reader.list(raw.down_types, count: raw.n_down_types, "layout.down_types", limit: limit),
        ]
        let field = "manifest.layout"
        guard widths.count == manifest.layerCount, types.allSatisfy({ $0.count == widths.count })
        else { throw .invalidValue(field: field, value: "lists of unequal lengths") }
        // Whoever takes the layout makes a place for each expert.
        let layerCount = widths.count { $0 > 0 }
        try reader.check(
            layerCount * manifest.expertCount,
            "the experts of manifest.layout",
            limit: limit
        )
        let layers = try widths.indices.map { layer throws(WireError) -> Layer? in
            guard widths[layer] > 0 else { return nil }
            guard let gate = ElementType(rawValue: types[0][layer]),
                let up = ElementType(rawValue: types[1][layer]),
                let down = ElementType(rawValue: types[2][layer])
            else { throw .invalidValue(field: field, value: "an unknown element type") }
            return Layer(
                expertCount: manifest.expertCount,
                width: Int(widths[layer]),
                gateType: gate,
                upType: up,
                downType: down
            )
        }
        guard
            let layout = try unsafe ExpertLayout(
                hiddenSize: manifest.hiddenSize,
                expertsPerToken: reader.count(
                    raw.experts_per_token,
                    "layout.experts_per_token",
                    limit: limit
                ),
                layers: layers
            )
        else { throw .invalidValue(field: field, value: "experts of sizes that make no sense") }
        self = layout
    }

    fileprivate func raw(
        _ writer: MessageWriter
    ) -> UnsafeMutablePointer<Moiety__V1__ExpertLayout> {
        func list(_ value: (Layer) -> UInt32) -> UnsafeMutablePointer<UInt32>? {
            unsafe writer.list(layers.map { $0.map(value) ?? 0 })
        }
        return unsafe writer.message(moiety__v1__expert_layout__init) { raw in
            unsafe raw.experts_per_token = UInt32(clamping: expertsPerToken)
            unsafe raw.n_widths = layers.count
            unsafe raw.widths = list { UInt32(clamping: $0.width) }
            unsafe raw.n_gate_types = layers.count
            unsafe raw.gate_types = list(\.gateType.rawValue)
            unsafe raw.n_up_types = layers.count
            unsafe raw.up_types = list(\.upType.rawValue)
            unsafe raw.n_down_types = layers.count
            unsafe raw.down_types = list(\.downType.rawValue)
        }
    }
}

extension Assignment {
    init(_ raw: Moiety__V1__Assignment, _ reader: MessageReader) throws(WireError) {
        let hasShards = unsafe raw.has_shards != 0
        try reader.requireRawFrames(hasShards ? 2 : 1, "assignment")
        let limit = reader.limits.expertCount
        let layers = try unsafe reader.list(
            raw.layers,
            count: raw.n_layers,
            "assignment.layers",
            limit: limit
        )
        let indices = try unsafe reader.list(
            raw.experts,
            count: raw.n_experts,
            "assignment.experts",
            limit: limit
        )
        guard layers.count == indices.count else {
            throw .invalidValue(
                field: "assignment.experts",
                value: "\(indices.count) for \(layers.count) layers"
            )
        }
        let digests: [UInt8] = try reader.rawFrame(
            1,
            "assignment's digests",
            count: layers.count,
            per: ExpertDigest.byteCount
        )
        let bounds: [UInt32] =
            try hasShards
            ? reader.rawFrame(2, "assignment's shards", count: layers.count, per: 2) : []
        unsafe self.init(
            epoch: Epoch(rawValue: raw.epoch),
            experts: try layers.indices.map { place throws(WireError) in
                ExpertSlice(
                    ExpertID(layer: LayerIndex(Int(layers[place])), index: Int(indices[place])),
                    dimensions: hasShards
                        ? try Self.dimensions(bounds[2 * place], bounds[2 * place + 1]) : nil
                )
            },
            digests: layers.indices.map { place in
                let start = place * ExpertDigest.byteCount
                return ExpertDigest(bytes: Array(digests[start..<start + ExpertDigest.byteCount]))
            },
            bandwidth: raw.bandwidth,
            serial: raw.serial
        )
    }

    /// What of an expert is meant; 0 and 0 for all of it.
    private static func dimensions(_ from: UInt32, _ to: UInt32) throws(WireError) -> Range<Int>? {
        guard to > 0 else { return nil }
        guard from < to else {
            throw .invalidValue(field: "assignment's shards", value: "\(from)..<\(to)")
        }
        return Int(from)..<Int(to)
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Assignment> {
        precondition(
            digests.count == experts.count,
            "\(digests.count) digests for \(experts.count) experts"
        )
        writer.append(digests.flatMap(\.bytes))
        let hasShards = experts.contains { $0.dimensions != nil }
        if hasShards {
            writer.append(
                experts.flatMap { part in
                    let dimensions = part.dimensions ?? 0..<0
                    return [
                        UInt32(clamping: dimensions.lowerBound),
                        UInt32(clamping: dimensions.upperBound),
                    ]
                }
            )
        }
        return unsafe writer.message(moiety__v1__assignment__init) { raw in
            unsafe raw.epoch = epoch.rawValue
            unsafe raw.has_shards = hasShards ? 1 : 0
            unsafe raw.bandwidth = bandwidth
            unsafe raw.serial = serial
            unsafe raw.n_layers = experts.count
            unsafe raw.layers = writer.list(
                experts.map { UInt32(clamping: $0.expert.layer.rawValue) }
            )
            unsafe raw.n_experts = experts.count
            unsafe raw.experts = writer.list(experts.map { UInt32(clamping: $0.expert.index) })
        }
    }
}

extension LoadProgress {
    init(_ raw: Moiety__V1__LoadProgress) {
        unsafe self.init(
            epoch: Epoch(rawValue: raw.epoch),
            loadedByteCount: raw.loaded_byte_count,
            totalByteCount: raw.total_byte_count
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__LoadProgress> {
        unsafe writer.message(moiety__v1__load_progress__init) { raw in
            unsafe raw.epoch = epoch.rawValue
            unsafe raw.loaded_byte_count = loadedByteCount
            unsafe raw.total_byte_count = totalByteCount
        }
    }
}

extension Loaded {
    init(_ raw: Moiety__V1__Loaded) {
        unsafe self.init(epoch: Epoch(rawValue: raw.epoch))
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Loaded> {
        unsafe writer.message(moiety__v1__loaded__init) { raw in
            unsafe raw.epoch = epoch.rawValue
        }
    }
}

extension LoadFailed {
    init(_ raw: Moiety__V1__LoadFailed, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            epoch: Epoch(rawValue: raw.epoch),
            code: reader.choice(raw.code.rawValue, "load_failed.code"),
            text: reader.text(raw.text, "load_failed.text")
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__LoadFailed> {
        unsafe writer.message(moiety__v1__load_failed__init) { raw in
            unsafe raw.epoch = epoch.rawValue
            unsafe raw.code = Moiety__V1__LoadFailureCode(code.rawValue)
            unsafe raw.text = writer.message(text)
        }
    }
}
