import Cluster
public import Model
import Placement
public import Tensors
public import Wire

extension ControlMessage {
    /// One random message of every kind, in the order of the envelope.
    public static func all(using random: inout SeededRandom) -> [ControlMessage] {
        [
            .hello(.random(using: &random)),
            .welcome(
                Welcome(
                    build: random.text(),
                    incarnation: random.incarnation(),
                    dataEndpoint: random.text(),
                    heartbeatInterval: random.duration(),
                    silenceLimit: random.duration()
                )
            ),
            .refusal(Refusal(code: random.choice(), text: random.text())),
            .manifest(
                Manifest(
                    modelName: random.text(),
                    architecture: random.text(),
                    model: random.identity(),
                    layerCount: random.int(0...100),
                    expertCount: random.int(0...512),
                    hiddenSize: random.int(0...16384)
                )
            ),
            .assignment(.random(using: &random)),
            .loadProgress(
                LoadProgress(
                    epoch: random.epoch(),
                    loadedByteCount: random.number(),
                    totalByteCount: random.number()
                )
            ),
            .loaded(Loaded(epoch: random.epoch())),
            .loadFailed(
                LoadFailed(epoch: random.epoch(), code: random.choice(), text: random.text())
            ),
            .heartbeat(
                Heartbeat(
                    sequence: random.number(),
                    incarnation: random.incarnation(),
                    rowsComputed: random.number(),
                    sharesComputed: random.number(),
                    residentByteCount: random.number()
                )
            ),
            .heartbeatReply(HeartbeatReply(sequence: random.number())),
            .drain,
            .goodbye(Goodbye(reason: random.text())),
            .heartbeat(.counting(using: random)),
            .manifest(.withLayout(using: random)),
            .heartbeat(.supplied(using: random)),
        ]
    }
}

extension DataMessage {
    /// One random message of every kind, in the order of the envelope; two forms of a share.
    public static func all(using random: inout SeededRandom) -> [DataMessage] {
        let width = 32 * random.int(1...4)
        let rowCount = random.int(1...4)
        let count = rowCount * width
        return [
            .share(
                .random(
                    Activations(
                        quants: random.list(count...count) { Int8(truncatingIfNeeded: $0.next()) },
                        scales: random.list(count / 32...count / 32) { $0.float() },
                        width: width
                    ),
                    using: &random
                )
            ),
            .share(
                .random(
                    Activations(values: random.list(count...count) { $0.float() }, width: width),
                    using: &random
                )
            ),
            .partialRows(
                PartialRows(
                    id: ShareID(rawValue: random.number()),
                    attempt: UInt32(random.int(0...9)),
                    epoch: random.epoch(),
                    layer: LayerIndex(random.int(0...100)),
                    width: width,
                    values: random.list(count...count) { Double($0.float()) },
                    computeTime: random.duration()
                )
            ),
            .shareRefused(
                ShareRefused(
                    id: ShareID(rawValue: random.number()),
                    attempt: UInt32(random.int(0...9)),
                    code: random.choice(),
                    text: random.text()
                )
            ),
            .hint(
                Hint(
                    layer: LayerIndex(random.int(0...100)),
                    distance: random.int(0...3),
                    experts: random.list { UInt32(truncatingIfNeeded: $0.number()) }
                )
            ),
            // Always the same, so that the others are what they were.
            .outlook(
                Outlook((0..<5).map { ExpertID(layer: LayerIndex(3 * $0), index: 7 * $0 % 11) })
            ),
        ]
    }
}

extension ChunkMessage {
    /// One random message of every kind, in the order of the envelope.
    public static func all(using random: inout SeededRandom) -> [ChunkMessage] {
        [
            .request(
                ChunkRequest(
                    id: random.number(),
                    digest: ExpertDigest(bytes: random.digest()),
                    offset: random.number(),
                    byteCount: random.int(0...1 << 20)
                )
            ),
            .chunk(
                Chunk(
                    id: random.number(),
                    bytes: random.list(0...99) { UInt8(truncatingIfNeeded: $0.next()) }
                )
            ),
            .refused(
                ChunkRefused(id: random.number(), code: random.choice(), text: random.text())
            ),
        ]
    }
}

extension Manifest {
    /// One for workers without a file, of a copy of the generator like the heartbeat below.
    fileprivate static func withLayout(using random: SeededRandom) -> Manifest {
        var random = random
        let layer = ExpertLayout.Layer(
            expertCount: random.int(1...512),
            width: 256 * random.int(1...9),
            gateType: .q4_K,
            upType: .q8_0,
            downType: .q6_K
        )
        var manifest = Manifest(
            modelName: random.text(),
            architecture: random.text(),
            model: random.identity(),
            layerCount: 3,
            expertCount: layer.expertCount,
            hiddenSize: 2048,
            chunkEndpoint: random.text()
        )
        manifest.layout = ExpertLayout(
            hiddenSize: manifest.hiddenSize,
            expertsPerToken: random.int(1...16),
            layers: [nil, layer, layer]
        )
        return manifest
    }
}

extension Heartbeat {
    /// One of a worker whose experts came from somewhere.
    fileprivate static func supplied(using random: SeededRandom) -> Heartbeat {
        var heartbeat = counting(using: random)
        var random = random
        heartbeat.supply = random.supply()
        return heartbeat
    }

    /// One of a worker that dropped messages.
    ///
    /// Of a copy of the generator: what came later than the goldens must not change them.
    fileprivate static func counting(using random: SeededRandom) -> Heartbeat {
        var random = random
        return Heartbeat(
            sequence: random.number(),
            incarnation: random.incarnation(),
            rowsComputed: random.number(),
            sharesComputed: random.number(),
            residentByteCount: random.number(),
            drops: random.drops()
        )
    }
}

extension Hello {
    public static func random(using random: inout SeededRandom) -> Hello {
        Hello(
            build: random.text(),
            role: random.choice(),
            name: random.name(),
            incarnation: random.incarnation(),
            model: random.bool() ? random.identity() : nil,
            heldEpoch: random.bool() ? random.epoch() : nil,
            heldExpertCount: random.int(0...6144),
            coreCount: random.int(0...256),
            memoryByteCount: random.number(),
            instructionSet: random.text(),
            readBandwidth: random.number(),
            takesHints: random.bool()
        )
    }
}

extension Assignment {
    public static func random(using random: inout SeededRandom) -> Assignment {
        let experts = random.list { random in
            ExpertSlice(
                ExpertID(layer: LayerIndex(random.int(0...200)), index: random.int(0...200))
            )
        }
        return Assignment(
            epoch: random.epoch(),
            experts: experts,
            digests: experts.map { _ in ExpertDigest(bytes: random.digest()) },
            bandwidth: UInt64(experts.count) << 20,
            serial: UInt64(experts.count) << 32
        )
    }
}

extension Share {
    public static func random(
        _ activations: Activations,
        using random: inout SeededRandom
    ) -> Share {
        let rows = random.list(0...9) { UInt32($0.int(0...activations.rowCount - 1)) }.sorted()
        return Share(
            id: ShareID(rawValue: random.number()),
            attempt: UInt32(random.int(0...9)),
            epoch: random.epoch(),
            layer: LayerIndex(random.int(0...100)),
            activations: activations,
            pairRows: rows,
            pairExperts: rows.map { _ in UInt32(random.int(0...511)) },
            pairWeights: rows.map { _ in random.float() }
        )
    }
}
