extension ElementType {
    /// Where weights of this type hold something that is no finite number, or nil.
    ///
    /// One such value or block scale makes everything that meets it meaningless, and not always
    /// visibly: an infinity with the right sign only hides a position or an expert.
    ///
    /// - Parameter weights: whole blocks.
    /// - Returns: the first byte of the value, counted from the span's start.
    public func firstNotFinite(in weights: RawSpan) -> Int? {
        switch self {
        case .f32:
            Self.firstNotFinite(weights, step: 4, offsets: [0], exponent: UInt32(0x7f80_0000))
        case .f16: Self.firstNotFinite(weights, step: 2, offsets: [0], exponent: UInt16(0x7c00))
        case .bf16: Self.firstNotFinite(weights, step: 2, offsets: [0], exponent: UInt16(0x7f80))
        // A power of two without sign; its largest exponent stands for no number.
        case .mxfp4: Self.firstNotFinite(weights, step: 17, offsets: [0], exponent: UInt8(0xff))
        default:
            Self.firstNotFinite(
                weights,
                step: blockByteCount,
                offsets: scaleOffsets,
                exponent: UInt16(0x7c00)
            )
        }
    }

    /// Where in a block its half-precision scales and minima lie.
    package var scaleOffsets: [Int] {
        switch self {
        case .q4_0, .q5_0, .q8_0, .iq4_nl, .iq4_xs: [0]
        case .q4_1, .q5_1, .q4_K, .q5_K: [0, 2]
        case .q2_K: [80, 82]
        case .q3_K: [108]
        case .q6_K: [208]
        default: []
        }
    }

    /// The first number with all exponent bits set; numbers lie at `offsets` of every `step` bytes.
    private static func firstNotFinite<Bits: FixedWidthInteger & BitwiseCopyable>(
        _ weights: RawSpan,
        step: Int,
        offsets: [Int],
        exponent: Bits
    ) -> Int? {
        for offset in offsets {
            let last = weights.byteCount - MemoryLayout<Bits>.size
            for start in stride(from: offset, through: last, by: step * stretch) {
                let count = min(stretch, (last - start) / step + 1)
                // Weights are finite as a rule, so a stretch is first looked at as a whole.
                guard holdsNotFinite(weights, start, step, count, exponent) else { continue }
                let places = stride(from: start, through: last, by: step)
                return places.first { isNotFinite(weights, $0, exponent) }
            }
        }
        return nil
    }

    /// Numbers that are looked at between two questions whether to go on.
    private static let stretch = 1024

    private static func holdsNotFinite<Bits: FixedWidthInteger & BitwiseCopyable>(
        _ weights: RawSpan,
        _ start: Int,
        _ step: Int,
        _ count: Int,
        _ exponent: Bits
    ) -> Bool {
        // Without a branch, so that the processor looks at several at once.
        var largest: Bits = 0
        var place = start
        for _ in 0..<count {
            let bits = unsafe weights.unsafeLoadUnaligned(fromByteOffset: place, as: Bits.self)
            largest = max(largest, bits & exponent)
            place &+= step
        }
        return largest == exponent
    }

    @inline(__always)
    private static func isNotFinite<Bits: FixedWidthInteger & BitwiseCopyable>(
        _ weights: RawSpan,
        _ place: Int,
        _ exponent: Bits
    ) -> Bool {
        let bits = unsafe weights.unsafeLoadUnaligned(fromByteOffset: place, as: Bits.self)
        return bits & exponent == exponent
    }
}
