import CProtobufC
import CWire
import Cluster
public import Messaging
import Model
import Placement
import Tensors

/// The header of what came over a data socket; its rows stay in the frames, hints and outlooks are
/// whole.
public enum DataHeader: Equatable, Sendable {
    case share(ShareHeader)
    case partialRows(PartialRowsHeader)
    case shareRefused(ShareRefused)
    case hint(Hint)
    case outlook(Outlook)

    /// Reads the envelope and checks the other frames against it, trusting nothing in them.
    public init(frames: FrameList, limits: WireLimits = WireLimits()) throws(WireError) {
        guard !frames.isEmpty else {
            throw .wrongFrameCount(message: "a message", expected: 1, found: 0)
        }
        let fields = MessageReader(limits: limits, frames: [])
        let byteCount = frames.byteCount(of: 0)
        try fields.check(byteCount, "the envelope's length", limit: limits.headerByteCount)
        let reader = DataReader(fields: fields, frames: frames)
        self = try frames.withFrame(0) { bytes throws(WireError) in
            try unsafe withArena { allocator throws(WireError) in
                guard let envelope = unsafe Self.unpack(bytes, allocator) else {
                    throw .malformedHeader(byteCount: byteCount)
                }
                defer { unsafe moiety__v1__data_envelope__free_unpacked(envelope, allocator) }
                return try unsafe Self(envelope.pointee, reader)
            }
        }
    }

    private static func unpack(
        _ bytes: RawSpan,
        _ allocator: UnsafeMutablePointer<ProtobufCAllocator>
    ) -> UnsafeMutablePointer<Moiety__V1__DataEnvelope>? {
        unsafe bytes.withUnsafeBytes { bytes in
            let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return unsafe moiety__v1__data_envelope__unpack(allocator, bytes.count, start)
        }
    }

    private init(_ raw: Moiety__V1__DataEnvelope, _ reader: DataReader) throws(WireError) {
        switch unsafe raw.body_case {
        case MOIETY__V1__DATA_ENVELOPE__BODY_SHARE:
            self = .share(try unsafe reader.share(reader.fields.body(raw.share)))
        case MOIETY__V1__DATA_ENVELOPE__BODY_PARTIAL_ROWS:
            self = .partialRows(
                try unsafe reader.partialRows(reader.fields.body(raw.partial_rows))
            )
        case MOIETY__V1__DATA_ENVELOPE__BODY_SHARE_REFUSED:
            self = .shareRefused(
                try unsafe reader.refusal(reader.fields.body(raw.share_refused))
            )
        case MOIETY__V1__DATA_ENVELOPE__BODY_HINT:
            self = .hint(try unsafe reader.hint(reader.fields.body(raw.hint)))
        case MOIETY__V1__DATA_ENVELOPE__BODY_OUTLOOK:
            self = .outlook(try unsafe reader.outlook(reader.fields.body(raw.outlook)))
        default:
            throw unsafe unknownType(raw.base)
        }
    }
}

/// Checks what a data message says of itself, and its frames.
private struct DataReader {
    let fields: MessageReader
    let frames: FrameList

    func share(_ raw: Moiety__V1__Share) throws(WireError) -> ShareHeader {
        let rowCount = try unsafe rowCount(raw.row_count, "share.row_count")
        let width = try unsafe width(raw.width, "share.width")
        let pairCount = try unsafe fields.count(
            raw.pair_count,
            "share.pair_count",
            limit: fields.limits.pairCount
        )
        let hasChoices = unsafe raw.has_choices != 0
        let form = try unsafe form(raw.form, rowCount: rowCount, width: width, hasChoices)
        let header = try unsafe ShareHeader(
            id: ShareID(rawValue: raw.id),
            attempt: raw.attempt,
            epoch: Epoch(rawValue: raw.epoch),
            layer: layer(raw.layer, "share.layer"),
            rowCount: rowCount,
            width: width,
            form: form,
            pairCount: pairCount,
            hasChoices: hasChoices
        )
        let first = header.firstPairFrame
        try checkLength(first, of: UInt32.self, "share's pair rows", count: pairCount)
        try checkLength(first + 1, of: UInt32.self, "share's pair experts", count: pairCount)
        try checkLength(first + 2, of: Float.self, "share's pair weights", count: pairCount)
        try checkPairRows(first, rowCount: rowCount)
        if hasChoices { try checkChoices(first + 3, count: pairCount) }
        return header
    }

    /// How a share's rows are written, once its frames are found to hold them.
    private func form(
        _ raw: Moiety__V1__ActivationForm,
        rowCount: Int,
        width: Int,
        _ hasChoices: Bool
    ) throws(WireError) -> ShareHeader.Form {
        let isRounded = raw == MOIETY__V1__ACTIVATION_FORM__ACTIVATION_FORM_INT8
        try checkRawFrames(frames.count, (isRounded ? 5 : 4) + (hasChoices ? 1 : 0), "share")
        guard rowCount == 1 || !hasChoices else {
            throw .invalidValue(field: "share.has_choices", value: "true of \(rowCount) rows")
        }
        guard isRounded else {
            guard raw == MOIETY__V1__ACTIVATION_FORM__ACTIVATION_FORM_F32 else {
                throw .invalidValue(field: "share.form", value: "\(raw.rawValue)")
            }
            try checkLength(1, of: Float.self, "share's values", count: rowCount, per: width)
            return .values
        }
        let block = Activations.blockLength
        guard width % block == 0 else {
            throw .invalidValue(
                field: "share.width",
                value: "\(width), no whole number of blocks of \(block)"
            )
        }
        try checkLength(1, of: Int8.self, "share's quants", count: rowCount, per: width)
        try checkLength(2, of: Float.self, "share's scales", count: rowCount, per: width / block)
        return .quants
    }

    private func checkPairRows(_ frame: Int, rowCount: Int) throws(WireError) {
        var last: UInt32 = 0
        let count = frames.byteCount(of: frame) / MemoryLayout<UInt32>.size
        for index in 0..<count {
            let row: UInt32 = frames.value(index, of: frame)
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

    private func checkChoices(_ frame: Int, count: Int) throws(WireError) {
        try checkLength(frame, of: UInt8.self, "share's pair choices", count: count)
        for index in 0..<count {
            let choice: UInt8 = frames.value(index, of: frame)
            guard choice <= 2 else {
                throw .invalidValue(field: "share's pair choices", value: "\(choice)")
            }
        }
    }

    func partialRows(_ raw: Moiety__V1__PartialRows) throws(WireError) -> PartialRowsHeader {
        let hasUses = unsafe raw.has_uses != 0
        try checkRawFrames(frames.count, hasUses ? 2 : 1, "partial_rows")
        let rowCount = try unsafe rowCount(raw.row_count, "partial_rows.row_count")
        let width = try unsafe width(raw.width, "partial_rows.width")
        guard unsafe raw.form == MOIETY__V1__PARTIAL_FORM__PARTIAL_FORM_F64 else {
            throw .invalidValue(field: "partial_rows.form", value: unsafe "\(raw.form.rawValue)")
        }
        let layer = try unsafe layer(raw.layer, "partial_rows.layer")
        try checkLength(1, of: Double.self, "partial_rows' values", count: rowCount, per: width)
        if hasUses {
            try checkLength(2, of: UInt32.self, "partial_rows' uses", count: rowCount, per: 2)
        }
        return try unsafe PartialRowsHeader(
            id: ShareID(rawValue: raw.id),
            attempt: raw.attempt,
            epoch: Epoch(rawValue: raw.epoch),
            layer: layer,
            rowCount: rowCount,
            width: width,
            computeTime: fields.duration(
                raw.compute_nanoseconds,
                "partial_rows.compute_nanoseconds"
            ),
            hasUses: hasUses
        )
    }

    func refusal(_ raw: Moiety__V1__ShareRefused) throws(WireError) -> ShareRefused {
        try checkRawFrames(frames.count, 0, "share_refused")
        return try unsafe ShareRefused(
            id: ShareID(rawValue: raw.id),
            attempt: raw.attempt,
            code: fields.choice(raw.code.rawValue, "share_refused.code"),
            text: fields.text(raw.text, "share_refused.text")
        )
    }

    func hint(_ raw: Moiety__V1__Hint) throws(WireError) -> Hint {
        try checkRawFrames(frames.count, 1, "hint")
        let count = try unsafe fields.count(
            raw.expert_count,
            "hint.expert_count",
            limit: fields.limits.hintedCount
        )
        try checkLength(1, of: UInt32.self, "hint's experts", count: count)
        return try unsafe Hint(
            layer: layer(raw.layer, "hint.layer"),
            distance: fields.count(raw.distance, "hint.distance", limit: fields.limits.layerCount),
            experts: frames.values(of: 1)
        )
    }

    func outlook(_ raw: Moiety__V1__Outlook) throws(WireError) -> Outlook {
        try checkRawFrames(frames.count, 2, "outlook")
        let count = try unsafe fields.count(
            raw.expert_count,
            "outlook.expert_count",
            limit: fields.limits.outlookCount
        )
        try checkLength(1, of: UInt32.self, "outlook's layers", count: count)
        try checkLength(2, of: UInt32.self, "outlook's experts", count: count)
        return Outlook(layers: frames.values(of: 1), indices: frames.values(of: 2))
    }

    // MARK: - Fields

    private func layer(_ value: UInt32, _ field: String) throws(WireError) -> LayerIndex {
        LayerIndex(try fields.count(value, field, limit: fields.limits.expertCount))
    }

    private func rowCount(_ value: UInt32, _ field: String) throws(WireError) -> Int {
        try positive(value, field, limit: fields.limits.rowCount)
    }

    private func width(_ value: UInt32, _ field: String) throws(WireError) -> Int {
        try positive(value, field, limit: fields.limits.width)
    }

    private func positive(
        _ value: UInt32,
        _ field: String,
        limit: Int
    ) throws(WireError) -> Int {
        guard value > 0 else { throw .invalidValue(field: field, value: "0") }
        return try fields.count(value, field, limit: limit)
    }

    private func checkLength<Element: FrameElement>(
        _ frame: Int,
        of type: Element.Type,
        _ field: String,
        count: Int,
        per: Int = 1
    ) throws(WireError) {
        _ = try Wire.checkLength(
            frames.byteCount(of: frame),
            of: type,
            field,
            count: count,
            per: per
        )
    }
}

extension ShareHeader {
    /// The frame with the pairs' rows; their experts and weights follow.
    var firstPairFrame: Int { form == .quants ? 3 : 2 }
}

extension FrameList {
    /// A value of a raw frame that is long enough.
    func value<Element: FrameElement>(_ index: Int, of frame: Int) -> Element {
        withFrame(frame) { bytes in
            unsafe bytes.withUnsafeBytes { bytes in
                unsafe bytes.loadUnaligned(
                    fromByteOffset: index * MemoryLayout<Element>.size,
                    as: Element.self
                )
            }
        }
    }

    /// All values of a raw frame.
    func values<Element: FrameElement>(of frame: Int) -> [Element] {
        let count = byteCount(of: frame) / MemoryLayout<Element>.size
        return withFrame(frame) { Wire.values(of: $0, count: count) }
    }
}
