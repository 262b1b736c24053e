import CProtobufC
import CWire
import Placement

extension PlanInForce {
    init(_ raw: Moiety__V1__PlanInForce, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            json: reader.text(
                raw.json,
                "plan_in_force.json",
                limit: reader.limits.headerByteCount
            ),
            stage: Int(raw.stage),
            stageCount: Int(raw.stage_count)
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__PlanInForce> {
        unsafe writer.message(moiety__v1__plan_in_force__init) { raw in
            unsafe raw.json = writer.text(json)
            unsafe raw.stage = UInt32(clamping: stage)
            unsafe raw.stage_count = UInt32(clamping: stageCount)
        }
    }
}

extension ChangePlan {
    init(_ raw: Moiety__V1__ChangePlan, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            json: reader.text(raw.json, "change_plan.json", limit: reader.limits.headerByteCount),
            bandwidth: raw.bandwidth,
            reason: reader.text(raw.reason, "change_plan.reason")
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__ChangePlan> {
        unsafe writer.message(moiety__v1__change_plan__init) { raw in
            unsafe raw.json = writer.text(json)
            unsafe raw.bandwidth = bandwidth
            unsafe raw.reason = writer.message(reason)
        }
    }
}

extension ChangeReply {
    init(_ raw: Moiety__V1__ChangeReply, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            isBegun: raw.is_begun != 0,
            message: reader.text(raw.message, "change_reply.message"),
            stageCount: Int(raw.stage_count),
            moveCount: raw.move_count,
            byteCount: raw.byte_count
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__ChangeReply> {
        unsafe writer.message(moiety__v1__change_reply__init) { raw in
            unsafe raw.is_begun = isBegun ? 1 : 0
            unsafe raw.message = writer.message(message)
            unsafe raw.stage_count = UInt32(clamping: stageCount)
            unsafe raw.move_count = moveCount
            unsafe raw.byte_count = byteCount
        }
    }
}

extension PlanHistory {
    init(_ raw: Moiety__V1__PlanHistory, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            jsonLines: reader.text(
                raw.json_lines,
                "plan_history.json_lines",
                limit: reader.limits.headerByteCount
            )
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__PlanHistory> {
        unsafe writer.message(moiety__v1__plan_history__init) { raw in
            unsafe raw.json_lines = writer.text(jsonLines)
        }
    }
}

extension DrainNode {
    init(_ raw: Moiety__V1__DrainNode, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            name: reader.workerName(raw.name, "drain_node.name"),
            isOver: raw.is_over != 0
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__DrainNode> {
        unsafe writer.message(moiety__v1__drain_node__init) { raw in
            unsafe raw.name = writer.text(name.rawValue)
            unsafe raw.is_over = isOver ? 1 : 0
        }
    }
}
