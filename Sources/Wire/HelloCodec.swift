import CProtobufC
import CWire
import Cluster
import Model
import Placement

extension Hello {
    init(_ raw: Moiety__V1__Hello, _ reader: MessageReader) throws(WireError) {
        guard unsafe ProtocolVersion.supported.contains(raw.protocol_version) else {
            unsafe self.init(foreign: raw, reader)
            return
        }
        try reader.requireRawFrames(0, "hello")
        let holds = unsafe raw.held_case == MOIETY__V1__HELLO__HELD_HELD_EPOCH
        try unsafe self.init(
            protocolVersion: raw.protocol_version,
            build: reader.text(raw.build, "hello.build"),
            role: reader.choice(raw.role.rawValue, "hello.role"),
            name: reader.workerName(raw.name, "hello.name"),
            incarnation: Incarnation(rawValue: raw.incarnation),
            model: raw.model == nil
                ? nil : ModelIdentity(reader.part(raw.model, "hello.model"), reader),
            heldEpoch: holds ? Epoch(rawValue: raw.held_epoch) : nil,
            heldExpertCount: reader.count(
                raw.held_expert_count,
                "hello.held_expert_count",
                limit: reader.limits.expertCount
            ),
            coreCount: reader.count(raw.core_count, "hello.core_count", limit: .max),
            memoryByteCount: raw.memory_byte_count,
            instructionSet: reader.text(raw.instruction_set, "hello.instruction_set"),
            readBandwidth: raw.read_bandwidth,
            takesHints: raw.takes_hints != 0,
            lossy: reader.lossy(raw.lossy, "hello.lossy")
        )
    }

    /// What can be known of a hello in another version: its version, and texts where they are
    /// still where they were.
    private init(foreign raw: Moiety__V1__Hello, _ reader: MessageReader) {
        unsafe self.init(
            protocolVersion: raw.protocol_version,
            build: reader.textIfAny(raw.build),
            name: WorkerName(rawValue: reader.textIfAny(raw.name)) ?? .unreadable,
            incarnation: .unnumbered,
            model: nil,
            heldEpoch: nil,
            heldExpertCount: 0,
            coreCount: 0,
            memoryByteCount: 0,
            instructionSet: "",
            readBandwidth: 0
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Hello> {
        unsafe writer.message(moiety__v1__hello__init) { raw in
            unsafe raw.protocol_version = protocolVersion
            unsafe raw.build = writer.text(build)
            unsafe raw.role = Moiety__V1__Role(role.rawValue)
            unsafe raw.name = writer.text(name.rawValue)
            unsafe raw.incarnation = incarnation.rawValue
            if let model { unsafe raw.model = model.raw(writer) }
            if let heldEpoch {
                unsafe raw.held_case = MOIETY__V1__HELLO__HELD_HELD_EPOCH
                unsafe raw.held_epoch = heldEpoch.rawValue
            }
            unsafe raw.held_expert_count = UInt32(clamping: heldExpertCount)
            unsafe raw.core_count = UInt32(clamping: coreCount)
            unsafe raw.memory_byte_count = memoryByteCount
            unsafe raw.instruction_set = writer.text(instructionSet)
            unsafe raw.read_bandwidth = readBandwidth
            unsafe raw.takes_hints = takesHints ? 1 : 0
            unsafe raw.lossy = Moiety__V1__Lossy(lossy?.rawValue ?? 0)
        }
    }
}

extension MessageReader {
    /// Nil of workers that are exact.
    func lossy(
        _ raw: Moiety__V1__Lossy,
        _ field: String
    ) throws(WireError) -> LossyKind? {
        guard raw != MOIETY__V1__LOSSY__LOSSY_NONE else { return nil }
        let kind: LossyKind = try choice(raw.rawValue, field)
        return kind
    }
}

extension ClientHello {
    init(_ raw: Moiety__V1__ClientHello, _ reader: MessageReader) throws(WireError) {
        guard unsafe ProtocolVersion.supported.contains(raw.protocol_version) else {
            unsafe self.init(
                protocolVersion: raw.protocol_version,
                build: reader.textIfAny(raw.build)
            )
            return
        }
        try reader.requireRawFrames(0, "client_hello")
        try unsafe self.init(
            protocolVersion: raw.protocol_version,
            build: reader.text(raw.build, "client_hello.build"),
            role: reader.choice(raw.role.rawValue, "client_hello.role")
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__ClientHello> {
        unsafe writer.message(moiety__v1__client_hello__init) { raw in
            unsafe raw.protocol_version = protocolVersion
            unsafe raw.build = writer.text(build)
            unsafe raw.role = Moiety__V1__Role(role.rawValue)
        }
    }
}

extension Refusal {
    init(_ raw: Moiety__V1__Refusal, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            code: reader.choice(raw.code.rawValue, "refusal.code"),
            text: reader.text(raw.text, "refusal.text")
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Refusal> {
        unsafe writer.message(moiety__v1__refusal__init) { raw in
            unsafe raw.code = Moiety__V1__RefusalCode(code.rawValue)
            unsafe raw.text = writer.message(text)
        }
    }
}

extension ModelIdentity {
    init(_ raw: Moiety__V1__ModelIdentity, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            fileByteCount: raw.file_byte_count,
            headerDigest: reader.bytes(raw.header_digest, "model.header_digest", count: 32)
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__ModelIdentity> {
        unsafe writer.message(moiety__v1__model_identity__init) { raw in
            unsafe raw.file_byte_count = fileByteCount
            unsafe raw.header_digest = writer.bytes(headerDigest)
        }
    }
}

extension WorkerName {
    /// Stands for the name in a hello of another version that says none we can read.
    fileprivate static let unreadable: WorkerName = {
        guard let name = WorkerName(rawValue: "unreadable") else {
            preconditionFailure("\"unreadable\" is a name of letters")
        }
        return name
    }()
}
