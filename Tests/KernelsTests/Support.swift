import Foundation
import Kernels
import Tensors

/// Reproducible numbers (SplitMix64).
struct Random: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Values in -limit...limit.
    mutating func floats(_ count: Int, limit: Float = 2) -> [Float] {
        (0..<count).map { _ in Float.random(in: -limit...limit, using: &self) }
    }
}

let integerTypes: [ElementType] = [
    .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2_K, .q3_K, .q4_K, .q5_K, .q6_K, .iq4_nl, .iq4_xs, .mxfp4,
]
let floatTypes: [ElementType] = [.f32, .f16, .bf16]

/// Random weights in the layout that products want.
func randomWeights(
    _ type: ElementType,
    rows: Int,
    columns: Int,
    using random: inout Random
) -> WeightMatrix {
    randomRows(type, rows: rows, columns: columns, using: &random).inPanels()
}

/// Rows of random blocks whose scales are numbers of everyday size.
func randomRows(
    _ type: ElementType,
    rows: Int,
    columns: Int,
    using random: inout Random
) -> WeightMatrix {
    let count = rows * columns / type.blockLength
    var bytes: [UInt8] = []
    for _ in 0..<count { bytes += randomBlock(type, using: &random) }
    let shape = MatrixShape(type: type, rowCount: rows, columnCount: columns)
    return WeightMatrix(shape, bytes: Bytes(bytes))
}

private func randomBlock(_ type: ElementType, using random: inout Random) -> [UInt8] {
    let value = Float.random(in: -1...1, using: &random)
    switch type {
    case .f32: return value.bitPattern.littleEndianBytes
    case .f16: return Float16(value).bitPattern.littleEndianBytes
    case .bf16: return UInt16(value.bitPattern >> 16).littleEndianBytes
    default: break
    }
    var block = (0..<type.blockByteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
    for offset in type.scaleOffsets {
        let scale = Float16(Float.random(in: -0.25...0.25, using: &random))
        block.replaceSubrange(offset..<offset + 2, with: scale.bitPattern.littleEndianBytes)
    }
    if type == .mxfp4 { block[0] = UInt8.random(in: 118...128, using: &random) }
    return block
}

extension FixedWidthInteger {
    var littleEndianBytes: [UInt8] {
        (0..<Self.bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> (8 * $0)) }
    }
}

extension Bytes {
    convenience init(_ array: [UInt8]) {
        self.init(count: array.count) { span in
            for (index, byte) in array.enumerated() {
                span.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
            }
        }
    }
}

/// The same bits, or both NaN: a NaN's payload is nobody's business.
func same(_ a: Float, _ b: Float) -> Bool {
    a.bitPattern == b.bitPattern || (a.isNaN && b.isNaN)
}

func same(_ a: [Float], _ b: [Float]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { same($0, $1) }
}

/// Tables to compare with the scalar one.
///
/// Those this processor lacks are named in the log.
let fasterSets: [InstructionSet] = InstructionSet.allCases.filter { set in
    if !set.isSupported { print("skipped: this processor lacks \(set.name)") }
    return set != .scalar && set.isSupported
}

func kernels(_ set: InstructionSet, threads: Int = 1) -> Kernels {
    Kernels(instructionSet: set, threadCount: threads)
}

/// `count` values of rows of `width`, row by row.
func rows(_ values: [Float], _ range: Range<Int>, width: Int) -> [Float] {
    Array(values[range.lowerBound * width..<range.upperBound * width])
}
