import CProtobufC
import CWire

extension ControlMessage {
    /// Reads a message from its frames.
    ///
    /// Trusts nothing in them. Only a hello of another protocol version is read leniently, so
    /// that its sender can be told which versions are spoken here.
    public init(
        frames: [[UInt8]],
        limits: WireLimits = WireLimits()
    ) throws(WireError) {
        self = try unsafe withEnvelope(
            frames,
            limits: limits,
            unpack: moiety__v1__control_envelope__unpack,
            free: moiety__v1__control_envelope__free_unpacked,
            read: { raw, reader throws(WireError) in
                try unsafe Self(raw, reader)
            }
        )
    }

    private init(
        _ raw: Moiety__V1__ControlEnvelope,
        _ reader: MessageReader
    ) throws(WireError) {
        switch unsafe raw.body_case {
        case MOIETY__V1__CONTROL_ENVELOPE__BODY_HELLO,
            MOIETY__V1__CONTROL_ENVELOPE__BODY_ASSIGNMENT:
            break
        default: try reader.requireRawFrames(0, "a control message")
        }
        switch unsafe raw.body_case {
        case MOIETY__V1__CONTROL_ENVELOPE__BODY_HELLO:
            self = .hello(try unsafe Hello(reader.body(raw.hello), reader))
        case MOIETY__V1__CONTROL_ENVELOPE__BODY_WELCOME:
            self = .welcome(try unsafe Welcome(reader.body(raw.welcome), reader))
        case MOIETY__V1__CONTROL_ENVELOPE__BODY_REFUSAL:
            self = .refusal(try unsafe Refusal(reader.body(raw.refusal), reader))
        case MOIETY__V1__CONTROL_ENVELOPE__BODY_MANIFEST:
            self = .manifest(try unsafe Manifest(reader.body(raw.manifest), reader))
        case MOIETY__V1__CONTROL_ENVELOPE__BODY_ASSIGNMENT:
            self = .assignment(try unsafe Assignment(reader.body(raw.assignment), reader))
        case MOIETY__V1__CONTROL_ENVELOPE__BODY_LOAD_PROGRESS:
            self = .loadProgress(try unsafe LoadProgress(reader.body(raw.load_progress)))
        case MOIETY__V1__CONTROL_ENVELOPE__BODY_LOADED:
            self = .loaded(try unsafe Loaded(reader.body(raw.loaded)))
        case MOIETY__V1__CONTROL_ENVELOPE__BODY_LOAD_FAILED:
            self = .loadFailed(try unsafe LoadFailed(reader.body(raw.load_failed), reader))
        case MOIETY__V1__CONTROL_ENVELOPE__BODY_HEARTBEAT:
            self = .heartbeat(try unsafe Heartbeat(reader.body(raw.heartbeat), reader))
        case MOIETY__V1__CONTROL_ENVELOPE__BODY_HEARTBEAT_REPLY:
            self = .heartbeatReply(try unsafe HeartbeatReply(reader.body(raw.heartbeat_reply)))
        case MOIETY__V1__CONTROL_ENVELOPE__BODY_DRAIN:
            self = .drain
        case MOIETY__V1__CONTROL_ENVELOPE__BODY_GOODBYE:
            self = .goodbye(try unsafe Goodbye(reader.body(raw.goodbye), reader))
        default:
            throw unsafe unknownType(raw.base)
        }
    }

    /// The message's frames, as a socket sends them.
    public func encode() -> [[UInt8]] {
        let writer = MessageWriter()
        let envelope = unsafe writer.message(moiety__v1__control_envelope__init) { raw in
            unsafe raw.body_case = bodyCase
            unsafe write(to: &raw, writer)
        }
        return unsafe writer.finish(envelope)
    }

    private func write(to raw: inout Moiety__V1__ControlEnvelope, _ writer: MessageWriter) {
        switch self {
        case .hello(let hello):
            unsafe raw.hello = hello.raw(writer)
        case .welcome(let welcome):
            unsafe raw.welcome = welcome.raw(writer)
        case .refusal(let refusal):
            unsafe raw.refusal = refusal.raw(writer)
        case .manifest(let manifest):
            unsafe raw.manifest = manifest.raw(writer)
        case .assignment(let assignment):
            unsafe raw.assignment = assignment.raw(writer)
        case .loadProgress(let progress):
            unsafe raw.load_progress = progress.raw(writer)
        case .loaded(let loaded):
            unsafe raw.loaded = loaded.raw(writer)
        case .loadFailed(let failure):
            unsafe raw.load_failed = failure.raw(writer)
        case .heartbeat(let heartbeat):
            unsafe raw.heartbeat = heartbeat.raw(writer)
        case .heartbeatReply(let reply):
            unsafe raw.heartbeat_reply = reply.raw(writer)
        case .drain:
            unsafe raw.drain = writer.message(moiety__v1__drain__init)
        case .goodbye(let goodbye):
            unsafe raw.goodbye = goodbye.raw(writer)
        }
    }

    private var bodyCase: Moiety__V1__ControlEnvelope__BodyCase {
        switch self {
        case .hello: MOIETY__V1__CONTROL_ENVELOPE__BODY_HELLO
        case .welcome: MOIETY__V1__CONTROL_ENVELOPE__BODY_WELCOME
        case .refusal: MOIETY__V1__CONTROL_ENVELOPE__BODY_REFUSAL
        case .manifest: MOIETY__V1__CONTROL_ENVELOPE__BODY_MANIFEST
        case .assignment: MOIETY__V1__CONTROL_ENVELOPE__BODY_ASSIGNMENT
        case .loadProgress: MOIETY__V1__CONTROL_ENVELOPE__BODY_LOAD_PROGRESS
        case .loaded: MOIETY__V1__CONTROL_ENVELOPE__BODY_LOADED
        case .loadFailed: MOIETY__V1__CONTROL_ENVELOPE__BODY_LOAD_FAILED
        case .heartbeat: MOIETY__V1__CONTROL_ENVELOPE__BODY_HEARTBEAT
        case .heartbeatReply: MOIETY__V1__CONTROL_ENVELOPE__BODY_HEARTBEAT_REPLY
        case .drain: MOIETY__V1__CONTROL_ENVELOPE__BODY_DRAIN
        case .goodbye: MOIETY__V1__CONTROL_ENVELOPE__BODY_GOODBYE
        }
    }
}
