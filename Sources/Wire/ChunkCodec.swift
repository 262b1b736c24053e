import CProtobufC
import CWire
import Cluster
import Model

extension ChunkMessage {
    /// Reads a message from its frames, trusting nothing in them.
    public init(
        frames: [[UInt8]],
        limits: WireLimits = WireLimits()
    ) throws(WireError) {
        self = try unsafe withEnvelope(
            frames,
            limits: limits,
            unpack: moiety__v1__chunk_envelope__unpack,
            free: moiety__v1__chunk_envelope__free_unpacked,
            read: { raw, reader throws(WireError) in
                try unsafe Self(raw, reader)
            }
        )
    }

    private init(
        _ raw: Moiety__V1__ChunkEnvelope,
        _ reader: MessageReader
    ) throws(WireError) {
        switch unsafe raw.body_case {
        case MOIETY__V1__CHUNK_ENVELOPE__BODY_REQUEST:
            try reader.requireRawFrames(0, "a chunk's request")
            self = .request(try unsafe ChunkRequest(reader.body(raw.request), reader))
        case MOIETY__V1__CHUNK_ENVELOPE__BODY_CHUNK:
            self = .chunk(try unsafe Chunk(reader.body(raw.chunk), reader))
        case MOIETY__V1__CHUNK_ENVELOPE__BODY_REFUSED:
            try reader.requireRawFrames(0, "a chunk's refusal")
            self = .refused(try unsafe ChunkRefused(reader.body(raw.refused), reader))
        default:
            throw unsafe unknownType(raw.base)
        }
    }

    /// The message's frames, as a socket sends them.
    public func encode() -> [[UInt8]] {
        let writer = MessageWriter()
        let envelope = unsafe writer.message(moiety__v1__chunk_envelope__init) { raw in
            switch self {
            case .request(let request):
                unsafe raw.body_case = MOIETY__V1__CHUNK_ENVELOPE__BODY_REQUEST
                unsafe raw.request = request.raw(writer)
            case .chunk(let chunk):
                unsafe raw.body_case = MOIETY__V1__CHUNK_ENVELOPE__BODY_CHUNK
                unsafe raw.chunk = chunk.raw(writer)
            case .refused(let refusal):
                unsafe raw.body_case = MOIETY__V1__CHUNK_ENVELOPE__BODY_REFUSED
                unsafe raw.refused = refusal.raw(writer)
            }
        }
        return unsafe writer.finish(envelope)
    }
}

extension ChunkRequest {
    fileprivate init(
        _ raw: Moiety__V1__ChunkRequest,
        _ reader: MessageReader
    ) throws(WireError) {
        try unsafe self.init(
            id: raw.id,
            digest: ExpertDigest(
                bytes: reader.bytes(
                    raw.digest,
                    "chunk_request.digest",
                    count: ExpertDigest.byteCount
                )
            ),
            offset: raw.offset,
            byteCount: reader.count(
                raw.byte_count,
                "chunk_request.byte_count",
                limit: reader.limits.chunkByteCount
            )
        )
    }

    fileprivate func raw(
        _ writer: MessageWriter
    ) -> UnsafeMutablePointer<Moiety__V1__ChunkRequest> {
        unsafe writer.message(moiety__v1__chunk_request__init) { raw in
            unsafe raw.id = id
            unsafe raw.digest = writer.bytes(digest.bytes)
            unsafe raw.offset = offset
            unsafe raw.byte_count = UInt32(clamping: byteCount)
        }
    }
}

extension Chunk {
    fileprivate init(
        _ raw: Moiety__V1__Chunk,
        _ reader: MessageReader
    ) throws(WireError) {
        try reader.requireRawFrames(1, "a chunk")
        let count = try unsafe reader.count(
            raw.byte_count,
            "chunk.byte_count",
            limit: reader.limits.chunkByteCount
        )
        try unsafe self.init(
            id: raw.id,
            bytes: reader.rawFrame(1, "chunk's bytes", count: count)
        )
    }

    fileprivate func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Chunk> {
        writer.append(bytes)
        return unsafe writer.message(moiety__v1__chunk__init) { raw in
            unsafe raw.id = id
            unsafe raw.byte_count = UInt32(clamping: bytes.count)
        }
    }
}

extension ChunkRefused {
    fileprivate init(
        _ raw: Moiety__V1__ChunkRefused,
        _ reader: MessageReader
    ) throws(WireError) {
        try unsafe self.init(
            id: raw.id,
            code: reader.choice(raw.code.rawValue, "chunk_refused.code"),
            text: reader.text(raw.text, "chunk_refused.text")
        )
    }

    fileprivate func raw(
        _ writer: MessageWriter
    ) -> UnsafeMutablePointer<Moiety__V1__ChunkRefused> {
        unsafe writer.message(moiety__v1__chunk_refused__init) { raw in
            unsafe raw.id = id
            unsafe raw.code = Moiety__V1__ChunkRefusalCode(code.rawValue)
            unsafe raw.text = writer.message(text)
        }
    }
}
