import Tensors

/// Values to blocks of an element type: the plain way, for random weights.
///
/// Real models are quantised with more care; for measuring speed it does not matter.
enum BlockEncoder {
    /// Values per block; float types are written in blocks too.
    static func blockLength(of type: ElementType) -> Int { max(32, type.blockLength) }

    static func blockByteCount(of type: ElementType) -> Int {
        blockLength(of: type) / type.blockLength * type.blockByteCount
    }

    /// Appends one block.
    ///
    /// - Precondition: as many values as a block has, of a type in `ModelRecipe.types`.
    static func append(_ values: ArraySlice<Float>, as type: ElementType, to bytes: inout [UInt8]) {
        precondition(values.count == blockLength(of: type), "\(values.count) values in a block")
        switch type {
        case .f32: for value in values { append(value.bitPattern, to: &bytes) }
        case .f16: for value in values { append(Float16(value).bitPattern, to: &bytes) }
        case .bf16: for value in values { append(bfloat(value), to: &bytes) }
        case .q4_0: appendQ4(values, to: &bytes)
        case .q8_0: appendQ8(values, to: &bytes)
        case .q4_K: appendQ4K(values, to: &bytes)
        case .q6_K: appendQ6K(values, to: &bytes)
        default: preconditionFailure("random weights are not made as \(type.name)")
        }
    }

    /// The scale as stored, so that values are rounded by what will multiply them.
    @discardableResult
    private static func appendHalf(_ value: Float, to bytes: inout [UInt8]) -> Float {
        let half = Float16(value)
        append(half.bitPattern, to: &bytes)
        return Float(half)
    }

    private static func append(_ bits: some FixedWidthInteger, to bytes: inout [UInt8]) {
        for byte in 0..<bits.bitWidth / 8 {
            bytes.append(UInt8(truncatingIfNeeded: bits >> (8 * byte)))
        }
    }

    /// Rounds to nearest, ties to even.
    private static func bfloat(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        return UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16)
    }

    /// `value / scale` as the nearest integer of a range.
    private static func quant(_ value: Float, _ scale: Float, _ range: ClosedRange<Int>) -> Int {
        guard scale != 0 else { return max(range.lowerBound, min(range.upperBound, 0)) }
        return max(range.lowerBound, min(range.upperBound, Int((value / scale).rounded())))
    }

    /// From -8 to 7 times a scale; value i beside value i + 16.
    private static func appendQ4(_ values: ArraySlice<Float>, to bytes: inout [UInt8]) {
        let largest = values.max { abs($0) < abs($1) } ?? 0
        let scale = appendHalf(largest / -8, to: &bytes)
        let quants = values.map { quant($0, scale, -8...7) + 8 }
        for index in 0..<16 { bytes.append(UInt8(quants[index] | quants[index + 16] << 4)) }
    }

    private static func appendQ8(_ values: ArraySlice<Float>, to bytes: inout [UInt8]) {
        let scale = appendHalf(largestMagnitude(values) / 127, to: &bytes)
        for value in values { bytes.append(byte(quant(value, scale, -127...127))) }
    }

    /// Eight parts of 32: 4-bit numbers times a scale, less a minimum; both are 6-bit numbers times
    /// a scale of the whole block.
    private static func appendQ4K(_ values: ArraySlice<Float>, to bytes: inout [UInt8]) {
        let parts = cut(values, into: 8)
        let minimums = parts.map { max(0, -($0.min() ?? 0)) }
        let ranges = zip(parts, minimums).map { (($0.max() ?? 0) + $1) / 15 }
        let scale = appendHalf((ranges.max() ?? 0) / 63, to: &bytes)
        let minimumScale = appendHalf((minimums.max() ?? 0) / 63, to: &bytes)
        let scales = ranges.map { quant($0, scale, 0...63) }
        let offsets = minimums.map { quant($0, minimumScale, 0...63) }
        for j in 0..<4 { bytes.append(UInt8(scales[j] | (scales[j + 4] >> 4) << 6)) }
        for j in 0..<4 { bytes.append(UInt8(offsets[j] | (offsets[j + 4] >> 4) << 6)) }
        for j in 4..<8 { bytes.append(UInt8(scales[j] & 15 | (offsets[j] & 15) << 4)) }
        let quants = parts.indices.map { j in
            parts[j].map {
                quant($0 + minimumScale * Float(offsets[j]), scale * Float(scales[j]), 0...15)
            }
        }
        for j in stride(from: 0, to: 8, by: 2) {
            for i in 0..<32 { bytes.append(UInt8(quants[j][i] | quants[j + 1][i] << 4)) }
        }
    }

    /// Sixteen parts of 16: 6-bit numbers times an 8-bit scale times a scale of the whole block.
    private static func appendQ6K(_ values: ArraySlice<Float>, to bytes: inout [UInt8]) {
        let parts = cut(values, into: 16)
        let steps = parts.map { largestMagnitude($0) / 31 }
        let wanted = (steps.max() ?? 0) / 127
        let scale = Float(Float16(wanted))
        let scales = steps.map { quant($0, scale, 0...127) }
        let quants = parts.indices.flatMap { j in
            parts[j].map { quant($0, scale * Float(scales[j]), -32...31) + 32 }
        }
        for half in [0, 128] {
            for i in 0..<64 {
                bytes.append(UInt8(quants[half + i] & 15 | (quants[half + 64 + i] & 15) << 4))
            }
        }
        for half in [0, 128] {
            for i in 0..<32 {
                let high = (0..<4).map { (quants[half + 32 * $0 + i] >> 4) << (2 * $0) }
                bytes.append(UInt8(high[0] | high[1] | high[2] | high[3]))
            }
        }
        for scale in scales { bytes.append(UInt8(scale)) }
        appendHalf(wanted, to: &bytes)
    }

    private static func cut(_ values: ArraySlice<Float>, into count: Int) -> [ArraySlice<Float>] {
        let length = values.count / count
        return (0..<count).map { values.dropFirst($0 * length).prefix(length) }
    }

    private static func largestMagnitude(_ values: ArraySlice<Float>) -> Float {
        values.reduce(0) { max($0, abs($1)) }
    }

    private static func byte(_ value: Int) -> UInt8 { UInt8(bitPattern: Int8(value)) }
}
