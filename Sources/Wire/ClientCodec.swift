import CProtobufC
import CWire

extension ClientMessage {
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
            unpack: moiety__v1__client_envelope__unpack,
            free: moiety__v1__client_envelope__free_unpacked,
            read: { raw, reader throws(WireError) in
                try unsafe Self(raw, reader)
            }
        )
    }

    /// The message's frames, as a socket sends them.
    public func encode() -> [[UInt8]] {
        let writer = MessageWriter()
        let envelope = unsafe writer.message(moiety__v1__client_envelope__init) { raw in
            unsafe write(to: &raw, writer)
        }
        return unsafe writer.finish(envelope)
    }

    private init(_ raw: Moiety__V1__ClientEnvelope, _ reader: MessageReader) throws(WireError) {
        switch unsafe raw.body_case {
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_CLIENT_HELLO,
            MOIETY__V1__CLIENT_ENVELOPE__BODY_EVALUATION:
            break
        default: try reader.requireRawFrames(0, "a client message")
        }
        switch unsafe raw.body_case {
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_CLIENT_HELLO:
            self = .clientHello(
                try unsafe ClientHello(reader.part(raw.client_hello, "client_hello"), reader)
            )
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_CLIENT_WELCOME:
            self = .clientWelcome(
                try unsafe ClientWelcome(reader.part(raw.client_welcome, "client_welcome"), reader)
            )
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_REFUSAL:
            self = .refusal(try unsafe Refusal(reader.part(raw.refusal, "refusal"), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_SUBMIT:
            self = .submit(try unsafe Submit(reader.part(raw.submit, "submit"), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_ACCEPTED:
            self = .accepted(try unsafe Accepted(reader.part(raw.accepted, "accepted"), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_TOKENS:
            self = .tokens(try unsafe GeneratedTokens(reader.part(raw.tokens, "tokens"), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_PROGRESS:
            self = .progress(
                try unsafe PromptProgress(reader.part(raw.progress, "progress"), reader)
            )
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_ENDED:
            self = .ended(try unsafe Ended(reader.part(raw.ended, "ended"), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_LIST_JOBS:
            self = .listJobs
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_JOBS:
            self = .jobs(try unsafe reader.jobs(reader.part(raw.jobs, "jobs")))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_CANCEL:
            self = .cancel(try unsafe Cancel(reader.part(raw.cancel, "cancel"), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_CANCEL_REPLY:
            self = .cancelReply(
                try unsafe CancelReply(reader.part(raw.cancel_reply, "cancel_reply"), reader)
            )
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_LIST_NODES:
            self = .listNodes
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_NODES:
            self = .nodes(try unsafe reader.nodes(reader.part(raw.nodes, "nodes")))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_GET_STATUS:
            self = .getStatus
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_STATUS:
            self = .status(try unsafe StatusReport(reader.part(raw.status, "status"), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_EVALUATE:
            self = .evaluate(try unsafe Evaluate(reader.part(raw.evaluate, "evaluate"), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_EVALUATION:
            self = .evaluation(
                try unsafe EvaluationReply(reader.part(raw.evaluation, "evaluation"), reader)
            )
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_EVALUATION_FAILED:
            self = .evaluationFailed(
                try unsafe EvaluationFailed(
                    reader.part(raw.evaluation_failed, "evaluation_failed"),
                    reader
                )
            )
        default:
            throw unsafe unknownType(raw.base)
        }
    }

    private func write(to raw: inout Moiety__V1__ClientEnvelope, _ writer: MessageWriter) {
        switch self {
        case .clientHello(let hello):
            unsafe raw.body_case = MOIETY__V1__CLIENT_ENVELOPE__BODY_CLIENT_HELLO
            unsafe raw.client_hello = hello.raw(writer)
        case .clientWelcome(let welcome):
            unsafe raw.body_case = MOIETY__V1__CLIENT_ENVELOPE__BODY_CLIENT_WELCOME
            unsafe raw.client_welcome = welcome.raw(writer)
        case .refusal(let refusal):
            unsafe raw.body_case = MOIETY__V1__CLIENT_ENVELOPE__BODY_REFUSAL
            unsafe raw.refusal = refusal.raw(writer)
        case .submit(let submit):
            unsafe raw.body_case = MOIETY__V1__CLIENT_ENVELOPE__BODY_SUBMIT
            unsafe raw.submit = submit.raw(writer)
        case .accepted(let accepted):
            unsafe raw.body_case = MOIETY__V1__CLIENT_ENVELOPE__BODY_ACCEPTED
            unsafe raw.accepted = accepted.raw(writer)
        case .tokens(let tokens):
            unsafe raw.body_case = MOIETY__V1__CLIENT_ENVELOPE__BODY_TOKENS
            unsafe raw.tokens = tokens.raw(writer)
        case .progress(let progress):
            unsafe raw.body_case = MOIETY__V1__CLIENT_ENVELOPE__BODY_PROGRESS
            unsafe raw.progress = progress.raw(writer)
        case .ended(let ended):
            unsafe raw.body_case = MOIETY__V1__CLIENT_ENVELOPE__BODY_ENDED
            unsafe raw.ended = ended.raw(writer)
        case .listJobs:
            unsafe raw.body_case = MOIETY__V1__CLIENT_ENVELOPE__BODY_LIST_JOBS
            unsafe raw.list_jobs = writer.message(moiety__v1__list_jobs__init)
        case .jobs(let jobs):
            unsafe raw.body_case = MOIETY__V1__CLIENT_ENVELOPE__BODY_JOBS
            unsafe raw.jobs = writer.jobs(jobs)
        case .cancel(let cancel):
            unsafe raw.body_case = MOIETY__V1__CLIENT_ENVELOPE__BODY_CANCEL
            unsafe raw.cancel = cancel.raw(writer)
        case .cancelReply(let reply):
            unsafe raw.body_case = MOIETY__V1__CLIENT_ENVELOPE__BODY_CANCEL_REPLY
            unsafe raw.cancel_reply = reply.raw(writer)
        case .listNodes:
            unsafe raw.body_case = MOIETY__V1__CLIENT_ENVELOPE__BODY_LIST_NODES
            unsafe raw.list_nodes = writer.message(moiety__v1__list_nodes__init)
        case .nodes(let nodes):
            unsafe raw.body_case = MOIETY__V1__CLIENT_ENVELOPE__BODY_NODES
            unsafe raw.nodes = writer.nodes(nodes)
        case .getStatus:
            unsafe raw.body_case = MOIETY__V1__CLIENT_ENVELOPE__BODY_GET_STATUS
            unsafe raw.get_status = writer.message(moiety__v1__get_status__init)
        case .status(let status):
            unsafe raw.body_case = MOIETY__V1__CLIENT_ENVELOPE__BODY_STATUS
            unsafe raw.status = status.raw(writer)
        case .evaluate(let evaluate):
            unsafe raw.body_case = MOIETY__V1__CLIENT_ENVELOPE__BODY_EVALUATE
            unsafe raw.evaluate = evaluate.raw(writer)
        case .evaluation(let evaluation):
            unsafe raw.body_case = MOIETY__V1__CLIENT_ENVELOPE__BODY_EVALUATION
            unsafe raw.evaluation = evaluation.raw(writer)
        case .evaluationFailed(let failure):
            unsafe raw.body_case = MOIETY__V1__CLIENT_ENVELOPE__BODY_EVALUATION_FAILED
            unsafe raw.evaluation_failed = failure.raw(writer)
        }
    }
}
