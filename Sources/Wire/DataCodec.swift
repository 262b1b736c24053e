import CWire
import Cluster
public import Messaging
import Model
import Placement
public import Tensors

extension DataMessage {
    /// Reads a message from its frames, trusting nothing in them.
    public init(frames: [[UInt8]], limits: WireLimits = WireLimits()) throws(WireError) {
        try self.init(frames: FrameList(frames), limits: limits)
    }

    /// Reads a message from its frames, trusting nothing in them.
    public init(frames: FrameList, limits: WireLimits = WireLimits()) throws(WireError) {
        self =
            switch try DataHeader(frames: frames, limits: limits) {
            case .share(let header): .share(Share(header, frames: frames))
            case .partialRows(let header): .partialRows(PartialRows(header, frames: frames))
            case .shareRefused(let refusal): .shareRefused(refusal)
            case .hint(let hint): .hint(hint)
            case .outlook(let outlook): .outlook(outlook)
            }
    }

    /// The message's frames, copied.
    public func encode() -> [[UInt8]] {
        let frames = FrameList()
        write(into: frames)
        return frames.copies
    }

    /// Adds the message's frames to an empty list.
    public func write(into frames: FrameList) {
        switch self {
        case .share(let share): share.write(into: frames)
        case .partialRows(let rows):
            rows.header.write(rows.values, uses: rows.uses, into: frames)
        case .shareRefused(let refusal): refusal.write(into: frames)
        case .hint(let hint): hint.write(into: frames)
        case .outlook(let outlook): outlook.write(into: frames)
        }
    }
}

// MARK: - Shares

extension Share {
    /// A share whose header was read from the same frames.
    public init(_ header: ShareHeader, frames: FrameList) {
        let first = header.firstPairFrame
        self.header = header
        activations =
            switch header.form {
            case .values:
                Activations(values: frames.values(of: 1), width: header.width)
            case .quants:
                Activations(
                    quants: frames.values(of: 1),
                    scales: frames.values(of: 2),
                    width: header.width
                )
            }
        pairRows = frames.values(of: first)
        pairExperts = frames.values(of: first + 1)
        pairWeights = frames.values(of: first + 2)
        pairChoices = header.hasChoices ? frames.values(of: first + 3) : []
    }

    fileprivate func write(into frames: FrameList) {
        header.write(
            rows: nil,
            of: activations,
            pairRows: pairRows,
            pairExperts: pairExperts,
            pairWeights: pairWeights,
            pairChoices: pairChoices,
            into: frames
        )
    }
}

extension ShareHeader {
    /// Adds the frames of a share to an empty list: some rows of a batch, copied once.
    ///
    /// - Parameters:
    ///   - rows: Indices into the batch, nil for all of it.
    ///   - activations: Known in the header's form.
    ///   - pairChoices: One of each pair where the header has them, else none.
    public func write(
        rows: [UInt32]?,
        of activations: Activations,
        pairRows: [UInt32],
        pairExperts: [UInt32],
        pairWeights: [Float],
        pairChoices: [UInt8] = [],
        into frames: FrameList
    ) {
        precondition(rowCount == rows?.count ?? activations.rowCount && pairCount == pairRows.count)
        precondition(pairChoices.count == (hasChoices ? pairCount : 0))
        unsafe frames.appendEnvelope { envelope, append in
            var raw = unsafe Moiety__V1__Share()
            unsafe moiety__v1__share__init(&raw)
            unsafe raw.id = id.rawValue
            unsafe raw.attempt = attempt
            unsafe raw.epoch = epoch.rawValue
            unsafe raw.layer = UInt32(clamping: layer.rawValue)
            unsafe raw.row_count = UInt32(clamping: rowCount)
            unsafe raw.width = UInt32(clamping: width)
            unsafe raw.form =
                form == .values
                ? MOIETY__V1__ACTIVATION_FORM__ACTIVATION_FORM_F32
                : MOIETY__V1__ACTIVATION_FORM__ACTIVATION_FORM_INT8
            unsafe raw.pair_count = UInt32(clamping: pairCount)
            unsafe raw.has_choices = hasChoices ? 1 : 0
            unsafe envelope.body_case = MOIETY__V1__DATA_ENVELOPE__BODY_SHARE
            unsafe withUnsafeMutablePointer(to: &raw) { raw in
                unsafe envelope.share = raw
                unsafe append(&envelope)
            }
        }
        switch form {
        case .values:
            frames.append(activations.values, rows: rows, width: width)
        case .quants:
            frames.append(activations.quants, rows: rows, width: width)
            let blocks = width / Activations.blockLength
            frames.append(activations.scales, rows: rows, width: blocks)
        }
        frames.append(pairRows)
        frames.append(pairExperts)
        frames.append(pairWeights)
        if hasChoices { frames.append(pairChoices) }
    }
}

// MARK: - Answers

extension PartialRows {
    /// An answer whose header was read from the same frames.
    init(_ header: PartialRowsHeader, frames: FrameList) {
        self.header = header
        values = frames.values(of: 1)
        uses = header.hasUses ? frames.values(of: 2) : []
    }
}

extension PartialRowsHeader {
    /// Adds the frames of an answer to an empty list.
    ///
    /// - Parameters:
    ///   - values: `[rowCount, width]`.
    ///   - uses: `[rowCount, 2]` where the header has them, else none.
    public func write(_ values: [Double], uses: [UInt32] = [], into frames: FrameList) {
        precondition(values.count == rowCount * width, "\(values.count) values of \(rowCount) rows")
        precondition(uses.count == (hasUses ? 2 * rowCount : 0), "\(uses.count) uses")
        unsafe frames.appendEnvelope { envelope, append in
            var raw = unsafe Moiety__V1__PartialRows()
            unsafe moiety__v1__partial_rows__init(&raw)
            unsafe raw.id = id.rawValue
            unsafe raw.attempt = attempt
            unsafe raw.epoch = epoch.rawValue
            unsafe raw.layer = UInt32(clamping: layer.rawValue)
            unsafe raw.row_count = UInt32(clamping: rowCount)
            unsafe raw.width = UInt32(clamping: width)
            unsafe raw.form = MOIETY__V1__PARTIAL_FORM__PARTIAL_FORM_F64
            unsafe raw.compute_nanoseconds = computeTime.wireNanoseconds
            unsafe raw.has_uses = hasUses ? 1 : 0
            unsafe envelope.body_case = MOIETY__V1__DATA_ENVELOPE__BODY_PARTIAL_ROWS
            unsafe withUnsafeMutablePointer(to: &raw) { raw in
                unsafe envelope.partial_rows = raw
                unsafe append(&envelope)
            }
        }
        frames.append(values)
        if hasUses { frames.append(uses) }
    }

    /// Experts that a row of the answer in `frames` used in fewer bits, and those that it went
    /// without; none where the answer does not say.
    public func uses(row: Int, of frames: FrameList) -> (low: UInt32, skipped: UInt32) {
        precondition(row >= 0 && row < rowCount, "no row \(row) among \(rowCount)")
        guard hasUses else { return (0, 0) }
        return (frames.value(2 * row, of: 2), frames.value(2 * row + 1, of: 2))
    }

    /// Adds row `row` of the answer in `frames` to the sums from `start` on.
    public func add(row: Int, of frames: FrameList, to sums: inout [Double], from start: Int) {
        precondition(row >= 0 && row < rowCount, "no row \(row) among \(rowCount)")
        precondition(start >= 0 && start <= sums.count - width, "no sums from \(start)")
        let size = MemoryLayout<Double>.size
        precondition(frames.byteCount(of: 1) == rowCount * width * size, "not this answer's frames")
        frames.withFrame(1) { bytes in
            unsafe bytes.withUnsafeBytes { bytes in
                unsafe sums.withUnsafeMutableBufferPointer { sums in
                    for column in 0..<width {
                        // Frames lie anywhere, so not all of them can be lent as numbers.
                        unsafe sums[start + column] += bytes.loadUnaligned(
                            fromByteOffset: (row * width + column) * size,
                            as: Double.self
                        )
                    }
                }
            }
        }
    }
}

extension ShareRefused {
    fileprivate func write(into frames: FrameList) {
        let writer = MessageWriter()
        unsafe frames.appendEnvelope { envelope, append in
            unsafe envelope.body_case = MOIETY__V1__DATA_ENVELOPE__BODY_SHARE_REFUSED
            unsafe envelope.share_refused = writer.message(moiety__v1__share_refused__init) { raw in
                unsafe raw.id = id.rawValue
                unsafe raw.attempt = attempt
                unsafe raw.code = Moiety__V1__ShareRefusalCode(code.rawValue)
                unsafe raw.text = writer.message(text)
            }
            unsafe append(&envelope)
        }
    }
}

// MARK: - Hints

extension Hint {
    /// Adds the frames of a hint to an empty list.
    public func write(into frames: FrameList) {
        unsafe frames.appendEnvelope { envelope, append in
            var raw = unsafe Moiety__V1__Hint()
            unsafe moiety__v1__hint__init(&raw)
            unsafe raw.layer = UInt32(clamping: layer.rawValue)
            unsafe raw.distance = UInt32(clamping: distance)
            unsafe raw.expert_count = UInt32(clamping: experts.count)
            unsafe envelope.body_case = MOIETY__V1__DATA_ENVELOPE__BODY_HINT
            unsafe withUnsafeMutablePointer(to: &raw) { raw in
                unsafe envelope.hint = raw
                unsafe append(&envelope)
            }
        }
        frames.append(experts)
    }
}

extension Outlook {
    /// Adds the frames of an outlook to an empty list.
    public func write(into frames: FrameList) {
        unsafe frames.appendEnvelope { envelope, append in
            var raw = unsafe Moiety__V1__Outlook()
            unsafe moiety__v1__outlook__init(&raw)
            unsafe raw.expert_count = UInt32(clamping: layers.count)
            unsafe envelope.body_case = MOIETY__V1__DATA_ENVELOPE__BODY_OUTLOOK
            unsafe withUnsafeMutablePointer(to: &raw) { raw in
                unsafe envelope.outlook = raw
                unsafe append(&envelope)
            }
        }
        frames.append(layers)
        frames.append(indices)
    }
}

// MARK: - Frames

extension FrameList {
    /// Adds the first frame: an envelope on the stack, filled in by `fill`, which then calls
    /// `append` while what the envelope points to is alive.
    fileprivate func appendEnvelope(
        fill: (
            inout Moiety__V1__DataEnvelope,
            _ append: (inout Moiety__V1__DataEnvelope) -> Void
        ) -> Void
    ) {
        precondition(isEmpty, "an envelope is the first frame")
        var envelope = unsafe Moiety__V1__DataEnvelope()
        unsafe moiety__v1__data_envelope__init(&envelope)
        unsafe fill(&envelope) { envelope in
            let count = unsafe moiety__v1__data_envelope__get_packed_size(&envelope)
            append(byteCount: count) { span in
                unsafe span.withUnsafeMutableBytes { bytes in
                    let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    _ = unsafe moiety__v1__data_envelope__pack(&envelope, start)
                }
            }
        }
    }

    /// Adds a raw frame with the memory of `values`.
    fileprivate func append<Element: FrameElement>(_ values: [Element]) {
        append(values, rows: nil, width: 1)
    }

    /// Adds a raw frame with some rows of `values`, or all of them.
    fileprivate func append<Element: FrameElement>(
        _ values: [Element],
        rows: [UInt32]?,
        width: Int
    ) {
        let rowSize = width * MemoryLayout<Element>.size
        let rowCount = rows?.count ?? values.count / width
        append(byteCount: rowCount * rowSize) { span in
            unsafe values.withUnsafeBytes { source in
                unsafe span.withUnsafeMutableBytes { target in
                    guard let rows else { return unsafe target.copyMemory(from: source) }
                    for (place, row) in rows.enumerated() {
                        let start = Int(row) * rowSize
                        precondition(start + rowSize <= source.count, "no row \(row)")
                        unsafe UnsafeMutableRawBufferPointer(
                            rebasing: target[place * rowSize..<(place + 1) * rowSize]
                        ).copyMemory(
                            from: UnsafeRawBufferPointer(
                                rebasing: source[start..<start + rowSize]
                            )
                        )
                    }
                }
            }
        }
    }
}
