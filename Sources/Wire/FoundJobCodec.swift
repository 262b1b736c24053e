import CProtobufC
import CWire

// The messages about jobs that may have ended long ago.
extension ClientMessage {
    init(finding raw: Moiety__V1__ClientEnvelope, _ reader: MessageReader) throws(WireError) {
        switch unsafe raw.body_case {
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_FIND_JOB:
            self = .findJob(try unsafe FindJob(reader.body(raw.find_job), reader))
        case MOIETY__V1__CLIENT_ENVELOPE__BODY_JOB_FOUND:
            self = .jobFound(try unsafe JobFound(reader.body(raw.job_found), reader))
        default:
            throw unsafe unknownType(raw.base)
        }
    }

    /// Writes nothing for other messages.
    func writeFinding(to raw: inout Moiety__V1__ClientEnvelope, _ writer: MessageWriter) {
        switch self {
        case .findJob(let question): unsafe raw.find_job = question.raw(writer)
        case .jobFound(let answer): unsafe raw.job_found = answer.raw(writer)
        default: break
        }
    }
}

extension FindJob {
    init(_ raw: Moiety__V1__FindJob, _ reader: MessageReader) throws(WireError) {
        try unsafe self.init(
            job: reader.text(raw.job, "find_job.job"),
            follows: raw.follows != 0
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__FindJob> {
        unsafe writer.message(moiety__v1__find_job__init) { raw in
            unsafe raw.job = writer.text(job)
            unsafe raw.follows = follows ? 1 : 0
        }
    }
}

extension JobFound {
    init(_ raw: Moiety__V1__JobFound, _ reader: MessageReader) throws(WireError) {
        try reader.requireRawFrames(2, "job_found")
        let limits = reader.limits
        guard let byteCount = unsafe Int(exactly: raw.text_byte_count),
            byteCount <= limits.answerByteCount
        else {
            throw .beyondLimit(
                field: "job_found.text_byte_count",
                value: unsafe raw.text_byte_count,
                limit: limits.answerByteCount
            )
        }
        let bytes: [UInt8] = try reader.rawFrame(1, "job_found's text", count: byteCount)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .invalidText(field: "job_found's text")
        }
        let tokenCount = try unsafe reader.count(
            raw.token_count,
            "job_found.token_count",
            limit: limits.tokenCount
        )
        var ended: Ended?
        if unsafe raw.ended != nil {
            ended = try unsafe Ended(reader.part(raw.ended, "job_found.ended"), reader)
            ended?.tokens = try reader.rawFrame(2, "job_found's tokens", count: tokenCount)
        } else {
            let _: [Int32] = try reader.rawFrame(2, "job_found's tokens", count: 0)
        }
        try unsafe self.init(
            name: reader.text(raw.name, "job_found.name"),
            job: raw.job == nil ? nil : JobReport(reader.part(raw.job, "job_found.job"), reader),
            trouble: reader.text(raw.trouble, "job_found.trouble"),
            text: text,
            ended: ended
        )
    }

    func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__JobFound> {
        let tokens = ended?.tokens ?? []
        writer.append(Array(text.utf8))
        writer.append(tokens)
        return unsafe writer.message(moiety__v1__job_found__init) { raw in
            unsafe raw.name = writer.text(name)
            if let job { unsafe raw.job = job.raw(writer) }
            unsafe raw.trouble = writer.message(trouble)
            if var ended {
                ended.tokens = []
                unsafe raw.ended = ended.raw(writer)
            }
            unsafe raw.text_byte_count = UInt64(text.utf8.count)
            unsafe raw.token_count = UInt32(clamping: tokens.count)
        }
    }
}
