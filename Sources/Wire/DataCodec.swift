import CProtobufC
import CWire
import Cluster
import Model
import Placement
import Tensors

extension DataMessage {
    /// Reads a message from its frames, trusting nothing in them.
    public init(
        frames: [[UInt8]],
        limits: WireLimits = WireLimits()
    ) throws(WireError) {
        self = try unsafe withEnvelope(
            frames,
            limits: limits,
            unpack: moiety__v1__data_envelope__unpack,
            free: moiety__v1__data_envelope__free_unpacked,
            read: { raw, reader throws(WireError) in
                try unsafe Self(raw, reader)
            }
        )
    }

    private init(_ raw: Moiety__V1__DataEnvelope, _ reader: MessageReader) throws(WireError) {
        switch unsafe raw.body_case {
        case MOIETY__V1__DATA_ENVELOPE__BODY_SHARE:
            self = .share(try unsafe Share(reader.body(raw.share), reader))
        case MOIETY__V1__DATA_ENVELOPE__BODY_PARTIAL_ROWS:
            self = .partialRows(try unsafe PartialRows(reader.body(raw.partial_rows), reader))
        case MOIETY__V1__DATA_ENVELOPE__BODY_SHARE_REFUSED:
            self = .shareRefused(try unsafe ShareRefused(reader.body(raw.share_refused), reader))
        default:
            throw unsafe unknownType(raw.base)
        }
    }

    /// The message's frames, as a socket sends them.
    public func encode() -> [[UInt8]] {
        let writer = MessageWriter()
        let envelope = unsafe writer.message(moiety__v1__data_envelope__init) { raw in
            switch self {
            case .share(let share):
                unsafe raw.body_case = MOIETY__V1__DATA_ENVELOPE__BODY_SHARE
                unsafe raw.share = share.raw(writer)
            case .partialRows(let rows):
                unsafe raw.body_case = MOIETY__V1__DATA_ENVELOPE__BODY_PARTIAL_ROWS
                unsafe raw.partial_rows = rows.raw(writer)
            case .shareRefused(let refusal):
                unsafe raw.body_case = MOIETY__V1__DATA_ENVELOPE__BODY_SHARE_REFUSED
                unsafe raw.share_refused = refusal.raw(writer)
            }
        }
        return unsafe writer.finish(envelope)
    }
}

extension Share {
    fileprivate init(_ raw: Moiety__V1__Share, _ reader: MessageReader) throws(WireError) {
        let rowCount = try unsafe reader.rowCount(raw.row_count, "share.row_count")
        let width = try unsafe reader.width(raw.width, "share.width")
        let pairCount = try unsafe reader.count(
            raw.pair_count,
            "share.pair_count",
            limit: reader.limits.pairCount
        )
        let form = unsafe raw.form
        let formFrameCount = form == MOIETY__V1__ACTIVATION_FORM__ACTIVATION_FORM_INT8 ? 2 : 1
        try reader.requireRawFrames(formFrameCount + 3, "share")
        let activations = try reader.activations(form, rowCount: rowCount, width: width)
        let rows: [UInt32] = try reader.rawFrame(
            formFrameCount + 1,
            "share's pair rows",
            count: pairCount
        )
        try reader.checkPairRows(rows, rowCount: rowCount)
        try unsafe self.init(
            id: ShareID(rawValue: raw.id),
            attempt: raw.attempt,
            epoch: Epoch(rawValue: raw.epoch),
            layer: LayerIndex(
                reader.count(raw.layer, "share.layer", limit: reader.limits.expertCount)
            ),
            activations: activations,
            pairRows: rows,
            pairExperts: reader.rawFrame(
                formFrameCount + 2,
                "share's pair experts",
                count: pairCount
            ),
            pairWeights: reader.rawFrame(
                formFrameCount + 3,
                "share's pair weights",
                count: pairCount
            )
        )
    }

    fileprivate func raw(_ writer: MessageWriter) -> UnsafeMutablePointer<Moiety__V1__Share> {
        if activations.hasValues {
            writer.append(activations.values)
        } else {
            writer.append(activations.quants)
            writer.append(activations.scales)
        }
        writer.append(pairRows)
        writer.append(pairExperts)
        writer.append(pairWeights)
        return unsafe writer.message(moiety__v1__share__init) { raw in
            unsafe raw.id = id.rawValue
            unsafe raw.attempt = attempt
            unsafe raw.epoch = epoch.rawValue
            unsafe raw.layer = UInt32(clamping: layer.rawValue)
            unsafe raw.row_count = UInt32(clamping: activations.rowCount)
            unsafe raw.width = UInt32(clamping: activations.width)
            unsafe raw.form =
                activations.hasValues
                ? MOIETY__V1__ACTIVATION_FORM__ACTIVATION_FORM_F32
                : MOIETY__V1__ACTIVATION_FORM__ACTIVATION_FORM_INT8
            unsafe raw.pair_count = UInt32(clamping: pairRows.count)
        }
    }
}

extension PartialRows {
    fileprivate init(_ raw: Moiety__V1__PartialRows, _ reader: MessageReader) throws(WireError) {
        try reader.requireRawFrames(1, "partial_rows")
        let rowCount = try unsafe reader.rowCount(raw.row_count, "partial_rows.row_count")
        let width = try unsafe reader.width(raw.width, "partial_rows.width")
        guard unsafe raw.form == MOIETY__V1__PARTIAL_FORM__PARTIAL_FORM_F64 else {
            throw .invalidValue(field: "partial_rows.form", value: unsafe "\(raw.form.rawValue)")
        }
        try unsafe self.init(
            id: ShareID(rawValue: raw.id),
            attempt: raw.attempt,
            epoch: Epoch(rawValue: raw.epoch),
            layer: LayerIndex(
                reader.count(raw.layer, "partial_rows.layer", limit: reader.limits.expertCount)
            ),
            width: width,
            values: reader.rawFrame(1, "partial_rows' values", count: rowCount, per: width),
            computeTime: reader.duration(
                raw.compute_nanoseconds,
                "partial_rows.compute_nanoseconds"
            )
        )
    }

    fileprivate func raw(
        _ writer: MessageWriter
    ) -> UnsafeMutablePointer<Moiety__V1__PartialRows> {
        writer.append(values)
        return unsafe writer.message(moiety__v1__partial_rows__init) { raw in
            unsafe raw.id = id.rawValue
            unsafe raw.attempt = attempt
            unsafe raw.epoch = epoch.rawValue
            unsafe raw.layer = UInt32(clamping: layer.rawValue)
            unsafe raw.row_count = UInt32(clamping: rowCount)
            unsafe raw.width = UInt32(clamping: width)
            unsafe raw.form = MOIETY__V1__PARTIAL_FORM__PARTIAL_FORM_F64
            unsafe raw.compute_nanoseconds = computeTime.wireNanoseconds
        }
    }
}

extension ShareRefused {
    fileprivate init(_ raw: Moiety__V1__ShareRefused, _ reader: MessageReader) throws(WireError) {
        try reader.requireRawFrames(0, "share_refused")
        try unsafe self.init(
            id: ShareID(rawValue: raw.id),
            attempt: raw.attempt,
            code: reader.choice(raw.code.rawValue, "share_refused.code"),
            text: reader.text(raw.text, "share_refused.text")
        )
    }

    fileprivate func raw(
        _ writer: MessageWriter
    ) -> UnsafeMutablePointer<Moiety__V1__ShareRefused> {
        unsafe writer.message(moiety__v1__share_refused__init) { raw in
            unsafe raw.id = id.rawValue
            unsafe raw.attempt = attempt
            unsafe raw.code = Moiety__V1__ShareRefusalCode(code.rawValue)
            unsafe raw.text = writer.message(text)
        }
    }
}

extension MessageReader {
    fileprivate func rowCount(_ value: UInt32, _ field: String) throws(WireError) -> Int {
        try positive(value, field, limit: limits.rowCount)
    }

    fileprivate func width(_ value: UInt32, _ field: String) throws(WireError) -> Int {
        try positive(value, field, limit: limits.width)
    }

    private func positive(
        _ value: UInt32,
        _ field: String,
        limit: Int
    ) throws(WireError) -> Int {
        guard value > 0 else { throw .invalidValue(field: field, value: "0") }
        return try count(value, field, limit: limit)
    }

    /// The rows of a share from its first raw frames.
    fileprivate func activations(
        _ form: Moiety__V1__ActivationForm,
        rowCount: Int,
        width: Int
    ) throws(WireError) -> Activations {
        switch form {
        case MOIETY__V1__ACTIVATION_FORM__ACTIVATION_FORM_INT8:
            guard width % Activations.blockLength == 0 else {
                throw .invalidValue(
                    field: "share.width",
                    value: "\(width), no whole number of blocks of \(Activations.blockLength)"
                )
            }
            return Activations(
                quants: try rawFrame(1, "share's quants", count: rowCount, per: width),
                scales: try rawFrame(
                    2,
                    "share's scales",
                    count: rowCount,
                    per: width / Activations.blockLength
                ),
                width: width
            )
        case MOIETY__V1__ACTIVATION_FORM__ACTIVATION_FORM_F32:
            return Activations(
                values: try rawFrame(1, "share's values", count: rowCount, per: width),
                width: width
            )
        default:
            throw .invalidValue(field: "share.form", value: "\(form.rawValue)")
        }
    }

    fileprivate func checkPairRows(_ rows: [UInt32], rowCount: Int) throws(WireError) {
        var last: UInt32 = 0
        for row in rows {
            guard row < rowCount else {
                throw .invalidValue(
                    field: "share's pair rows",
                    value: "\(row) among \(rowCount) rows"
                )
            }
            guard row >= last else {
                throw .invalidValue(field: "share's pair rows", value: "\(row) after \(last)")
            }
            last = row
        }
    }
}
