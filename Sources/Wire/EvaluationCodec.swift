import CProtobufC
import CWire
import Model

/// On the wire, stands for "score nothing".
private let noScores = UInt32.max

extension Evaluate {
    init(_ raw: Moiety__V1__Evaluate, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            tag: raw.tag,
            tokens: reader.list(
                raw.tokens,
                count: raw.n_tokens,
                "evaluate.tokens",
                limit: reader.limits.tokenCount
            ),
            top: reader.count(raw.top, "evaluate.top", limit: reader.limits.topCount),
            scoreFrom: raw.score_from == noScores ? nil : Int(raw.score_from)
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Evaluate> {
        unsafe writer.message(moiety__v1__evaluate__init) { raw in
            unsafe raw.tag = tag
            unsafe raw.n_tokens = tokens.count
            unsafe raw.tokens = writer.list(tokens)
            unsafe raw.top = UInt32(clamping: top)
            unsafe raw.score_from = scoreFrom.map { UInt32(clamping: $0) } ?? noScores
        }
    }
}

extension EvaluationReply {
    init(_ raw: Moiety__V1__Evaluation, _ reader: MessageReader) throws(WireError) {
        try reader.requireRawFrames(3, "evaluation")
        let limits = reader.limits
        let positionCount = try unsafe reader.count(
            raw.position_count,
            "evaluation.position_count",
            limit: limits.tokenCount
        )
        let top = try unsafe reader.count(raw.top, "evaluation.top", limit: limits.topCount)
        guard top > 0 || positionCount == 0 else {
            throw .invalidValue(field: "evaluation.top", value: "0 for \(positionCount) positions")
        }
        let scoreCount = try unsafe reader.count(
            raw.score_count,
            "evaluation.score_count",
            limit: limits.tokenCount
        )
        let ids: [Int32] = try reader.rawFrame(
            1,
            "evaluation's ids",
            count: positionCount,
            per: top
        )
        let logits: [Float] = try reader.rawFrame(
            2,
            "evaluation's logits",
            count: positionCount,
            per: top
        )
        try unsafe self.init(
            tag: raw.tag,
            positions: (0..<positionCount).map { position in
                let range = position * top..<(position + 1) * top
                return TopLogits(ids: Array(ids[range]), logits: Array(logits[range]))
            },
            scores: reader.rawFrame(3, "evaluation's scores", count: scoreCount),
            expertUses: TierUses.optional(raw.expert_uses, "evaluation.expert_uses")
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Evaluation> {
        let top = positions.first?.ids.count ?? 0
        precondition(
            positions.allSatisfy { top > 0 && $0.ids.count == top && $0.logits.count == top },
            "all positions have at least one logit, and as many as the first one: \(top)"
        )
        writer.append(positions.flatMap(\.ids))
        writer.append(positions.flatMap(\.logits))
        writer.append(scores)
        return unsafe writer.message(moiety__v1__evaluation__init) { raw in
            unsafe raw.tag = tag
            unsafe raw.position_count = UInt32(clamping: positions.count)
            unsafe raw.top = UInt32(clamping: top)
            unsafe raw.score_count = UInt32(clamping: scores.count)
            if let expertUses { unsafe raw.expert_uses = expertUses.raw(writer) }
        }
    }
}

extension EvaluationFailed {
    init(_ raw: Moiety__V1__EvaluationFailed, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            tag: raw.tag,
            message: reader.text(raw.message, "evaluation_failed.message")
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__EvaluationFailed> {
        unsafe writer.message(moiety__v1__evaluation_failed__init) { raw in
            unsafe raw.tag = tag
            unsafe raw.message = writer.message(message)
        }
    }
}
