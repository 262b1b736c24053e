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
            unsafe raw.body_case = bodyCase
            unsafe write(to: &raw, writer)
        }
        return unsafe writer.finish(envelope)
    }

    /// Most messages have no raw frames; the others check theirs themselves.
    private static func checkFrames(
        of raw: Moiety__V1__ClientEnvelope,
        _ reader: MessageReader
    ) throws(WireError) {
        switch unsafe raw.body_case {
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_CLIENT_HELLO,
            MOIETY__V1__CLIENT_ENVELOPE__BODY_EVALUATION,
            MOIETY__V1__CLIENT_ENVELOPE__BODY_PROFILE_LAYER,
            MOIETY__V1__CLIENT_ENVELOPE__BODY_PROFILE_STEPS,
            MOIETY__V1__CLIENT_ENVELOPE__BODY_JOB_FOUND:
            break
        default: try reader.requireRawFrames(0, "a client message")
        }
    }

    private init(_ raw: Moiety__V1__ClientEnvelope, _ reader: MessageReader) throws(WireError) {
        try unsafe Self.checkFrames(of: raw, reader)
        switch unsafe raw.body_case {
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_CLIENT_HELLO:
            self = .clientHello(try unsafe ClientHello(reader.body(raw.client_hello), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_CLIENT_WELCOME:
            self = .clientWelcome(try unsafe ClientWelcome(reader.body(raw.client_welcome), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_REFUSAL:
            self = .refusal(try unsafe Refusal(reader.body(raw.refusal), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_SUBMIT:
            self = .submit(try unsafe Submit(reader.body(raw.submit), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_ACCEPTED:
            self = .accepted(try unsafe Accepted(reader.body(raw.accepted), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_TOKENS:
            self = .tokens(try unsafe GeneratedTokens(reader.body(raw.tokens), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_PROGRESS:
            self = .progress(try unsafe PromptProgress(reader.body(raw.progress), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_ENDED:
            self = .ended(try unsafe Ended(reader.body(raw.ended), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_LIST_JOBS:
            self = .listJobs
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_JOBS:
            self = .jobs(try unsafe reader.jobs(reader.body(raw.jobs)))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_CANCEL:
            self = .cancel(try unsafe Cancel(reader.body(raw.cancel), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_CANCEL_REPLY:
            self = .cancelReply(try unsafe CancelReply(reader.body(raw.cancel_reply), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_LIST_NODES:
            self = .listNodes
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_NODES:
            self = .nodes(try unsafe reader.nodes(reader.body(raw.nodes)))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_GET_STATUS:
            self = .getStatus
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_STATUS:
            self = .status(try unsafe StatusReport(reader.body(raw.status), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_EVALUATE:
            self = .evaluate(try unsafe Evaluate(reader.body(raw.evaluate), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_EVALUATION:
            self = .evaluation(try unsafe EvaluationReply(reader.body(raw.evaluation), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_EVALUATION_FAILED:
            self = .evaluationFailed(
                try unsafe EvaluationFailed(reader.body(raw.evaluation_failed), reader)
            )
        default:
            self = try unsafe Self(planning: raw, reader)
        }
    }

    private func write(to raw: inout Moiety__V1__ClientEnvelope, _ writer: MessageWriter) {
        switch self {
        case .clientHello(let hello):
            unsafe raw.client_hello = hello.raw(writer)
        case .clientWelcome(let welcome):
            unsafe raw.client_welcome = welcome.raw(writer)
        case .refusal(let refusal):
            unsafe raw.refusal = refusal.raw(writer)
        case .submit(let submit):
            unsafe raw.submit = submit.raw(writer)
        case .accepted(let accepted):
            unsafe raw.accepted = accepted.raw(writer)
        case .tokens(let tokens):
            unsafe raw.tokens = tokens.raw(writer)
        case .progress(let progress):
            unsafe raw.progress = progress.raw(writer)
        case .ended(let ended):
            unsafe raw.ended = ended.raw(writer)
        case .listJobs:
            unsafe raw.list_jobs = writer.message(moiety__v1__list_jobs__init)
        case .jobs(let jobs):
            unsafe raw.jobs = writer.jobs(jobs)
        case .cancel(let cancel):
            unsafe raw.cancel = cancel.raw(writer)
        case .cancelReply(let reply):
            unsafe raw.cancel_reply = reply.raw(writer)
        case .listNodes:
            unsafe raw.list_nodes = writer.message(moiety__v1__list_nodes__init)
        case .nodes(let nodes):
            unsafe raw.nodes = writer.nodes(nodes)
        case .getStatus:
            unsafe raw.get_status = writer.message(moiety__v1__get_status__init)
        case .status(let status):
            unsafe raw.status = status.raw(writer)
        case .evaluate(let evaluate):
            unsafe raw.evaluate = evaluate.raw(writer)
        case .evaluation(let evaluation):
            unsafe raw.evaluation = evaluation.raw(writer)
        case .evaluationFailed(let failure):
            unsafe raw.evaluation_failed = failure.raw(writer)
        case .getPlan, .planInForce, .changePlan, .changeReply, .getPlanHistory, .planHistory,
            .drainNode:
            unsafe writePlanning(to: &raw, writer)
        case .getProfile, .profileOverview, .getProfilePart, .profileLayer, .profileSteps,
            .getCosts, .clusterCosts:
            unsafe writeProfiling(to: &raw, writer)
        case .findJob, .jobFound:
            unsafe writeFinding(to: &raw, writer)
        }
    }

    private var bodyCase: Moiety__V1__ClientEnvelope__BodyCase {
        switch self {
        case .clientHello: MOIETY__V1__CLIENT_ENVELOPE__BODY_CLIENT_HELLO
        case .clientWelcome: MOIETY__V1__CLIENT_ENVELOPE__BODY_CLIENT_WELCOME
        case .refusal: MOIETY__V1__CLIENT_ENVELOPE__BODY_REFUSAL
        case .submit: MOIETY__V1__CLIENT_ENVELOPE__BODY_SUBMIT
        case .accepted: MOIETY__V1__CLIENT_ENVELOPE__BODY_ACCEPTED
        case .tokens: MOIETY__V1__CLIENT_ENVELOPE__BODY_TOKENS
        case .progress: MOIETY__V1__CLIENT_ENVELOPE__BODY_PROGRESS
        case .ended: MOIETY__V1__CLIENT_ENVELOPE__BODY_ENDED
        case .listJobs: MOIETY__V1__CLIENT_ENVELOPE__BODY_LIST_JOBS
        case .jobs: MOIETY__V1__CLIENT_ENVELOPE__BODY_JOBS
        case .cancel: MOIETY__V1__CLIENT_ENVELOPE__BODY_CANCEL
        case .cancelReply: MOIETY__V1__CLIENT_ENVELOPE__BODY_CANCEL_REPLY
        case .listNodes: MOIETY__V1__CLIENT_ENVELOPE__BODY_LIST_NODES
        case .nodes: MOIETY__V1__CLIENT_ENVELOPE__BODY_NODES
        case .getStatus: MOIETY__V1__CLIENT_ENVELOPE__BODY_GET_STATUS
        case .status: MOIETY__V1__CLIENT_ENVELOPE__BODY_STATUS
        case .evaluate: MOIETY__V1__CLIENT_ENVELOPE__BODY_EVALUATE
        case .evaluation: MOIETY__V1__CLIENT_ENVELOPE__BODY_EVALUATION
        case .evaluationFailed: MOIETY__V1__CLIENT_ENVELOPE__BODY_EVALUATION_FAILED
        case .getPlan: MOIETY__V1__CLIENT_ENVELOPE__BODY_GET_PLAN
        case .planInForce: MOIETY__V1__CLIENT_ENVELOPE__BODY_PLAN_IN_FORCE
        case .changePlan: MOIETY__V1__CLIENT_ENVELOPE__BODY_CHANGE_PLAN
        case .changeReply: MOIETY__V1__CLIENT_ENVELOPE__BODY_CHANGE_REPLY
        case .getPlanHistory: MOIETY__V1__CLIENT_ENVELOPE__BODY_GET_PLAN_HISTORY
        case .planHistory: MOIETY__V1__CLIENT_ENVELOPE__BODY_PLAN_HISTORY
        case .drainNode: MOIETY__V1__CLIENT_ENVELOPE__BODY_DRAIN_NODE
        case .getProfile: MOIETY__V1__CLIENT_ENVELOPE__BODY_GET_PROFILE
        case .profileOverview: MOIETY__V1__CLIENT_ENVELOPE__BODY_PROFILE_OVERVIEW
        case .getProfilePart: MOIETY__V1__CLIENT_ENVELOPE__BODY_GET_PROFILE_PART
        case .profileLayer: MOIETY__V1__CLIENT_ENVELOPE__BODY_PROFILE_LAYER
        case .profileSteps: MOIETY__V1__CLIENT_ENVELOPE__BODY_PROFILE_STEPS
        case .getCosts: MOIETY__V1__CLIENT_ENVELOPE__BODY_GET_COSTS
        case .clusterCosts: MOIETY__V1__CLIENT_ENVELOPE__BODY_CLUSTER_COSTS
        case .findJob: MOIETY__V1__CLIENT_ENVELOPE__BODY_FIND_JOB
        case .jobFound: MOIETY__V1__CLIENT_ENVELOPE__BODY_JOB_FOUND
        }
    }
}
