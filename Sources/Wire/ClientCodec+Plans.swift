import CProtobufC
import CWire

// What is said about plans.
extension ClientMessage {
    init(planning raw: Moiety__V1__ClientEnvelope, _ reader: MessageReader) throws(WireError) {
        switch unsafe raw.body_case {
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_GET_PLAN:
            self = .getPlan
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_PLAN_IN_FORCE:
            self = .planInForce(try unsafe PlanInForce(reader.body(raw.plan_in_force), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_CHANGE_PLAN:
            self = .changePlan(try unsafe ChangePlan(reader.body(raw.change_plan), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_CHANGE_REPLY:
            self = .changeReply(try unsafe ChangeReply(reader.body(raw.change_reply), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_GET_PLAN_HISTORY:
            self = .getPlanHistory
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_PLAN_HISTORY:
            self = .planHistory(try unsafe PlanHistory(reader.body(raw.plan_history), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_DRAIN_NODE:
            self = .drainNode(try unsafe DrainNode(reader.body(raw.drain_node), reader))
        default:
            self = try unsafe Self(profiling: raw, reader)
        }
    }

    /// Writes nothing for other messages.
    func writePlanning(to raw: inout Moiety__V1__ClientEnvelope, _ writer: MessageWriter) {
        switch self {
        case .getPlan:
            unsafe raw.get_plan = writer.message(moiety__v1__get_plan__init)
        case .planInForce(let plan):
            unsafe raw.plan_in_force = plan.raw(writer)
        case .changePlan(let change):
            unsafe raw.change_plan = change.raw(writer)
        case .changeReply(let reply):
            unsafe raw.change_reply = reply.raw(writer)
        case .getPlanHistory:
            unsafe raw.get_plan_history = writer.message(moiety__v1__get_plan_history__init)
        case .planHistory(let history):
            unsafe raw.plan_history = history.raw(writer)
        case .drainNode(let drain):
            unsafe raw.drain_node = drain.raw(writer)
        default: break
        }
    }
}
