import CKernels
import Foundation
import Model
import Tensors

/// Random weights, fast: a pool of encoded blocks of Gaussian values, of which tensors are sampled.
///
/// A tensor made of blocks drawn at random from tens of thousands has full rank and no row twice,
/// and takes the time of copying instead of that of billions of Gaussian values.
final class WeightPool {
    private static let valueCount = 1 << 21

    private let type: ElementType
    private let values: [Float]
    /// Encoded blocks of all values times a standard deviation, and of their opposites.
    private var encoded: [Float: [UInt8]] = [:]

    private let blockLength: Int
    private let blockByteCount: Int

    init(type: ElementType, seed: UInt64) {
        self.type = type
        blockLength = BlockEncoder.blockLength(of: type)
        blockByteCount = BlockEncoder.blockByteCount(of: type)
        var random = GaussianRandom(seed: seed)
        values = (0..<Self.valueCount).map { _ in Float(random.next()) }
    }

    /// A block of zeros but for the first value.
    func block(first value: Float) -> [UInt8] {
        var bytes: [UInt8] = []
        let values = [value] + Array(repeating: 0, count: blockLength - 1)
        BlockEncoder.append(values[...], as: type, to: &bytes)
        return bytes
    }

    /// Overwrites `bytes` with blocks drawn at random.
    ///
    /// - Precondition: whole blocks fit.
    func fill(_ bytes: inout [UInt8], deviation: Float, using random: inout SeededRandom) {
        precondition(bytes.count % blockByteCount == 0, "no whole blocks in \(bytes.count) bytes")
        let pool = blocks(deviation)
        // A power of two of at most 2^17 blocks, so that bits of a random number choose one.
        let mask = UInt64(pool.count / blockByteCount - 1)
        let size = blockByteCount
        unsafe pool.withUnsafeBytes { pool in
            unsafe bytes.withUnsafeMutableBytes { bytes in
                guard let source = pool.baseAddress, let target = bytes.baseAddress else { return }
                var bits: UInt64 = 0
                for place in 0..<bytes.count / size {
                    bits = place % 3 == 0 ? random.next() : bits >> 21
                    let block = unsafe source + Int(bits & mask) * size
                    unsafe (target + place * size).copyMemory(from: block, byteCount: size)
                }
            }
        }
    }

    private func blocks(_ deviation: Float) -> [UInt8] {
        if let known = encoded[deviation] { return known }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(2 * values.count / blockLength * blockByteCount)
        for sign: Float in [1, -1] {
            let scaled = values.map { $0 * deviation * sign }
            for start in stride(from: 0, to: scaled.count, by: blockLength) {
                BlockEncoder.append(scaled[start..<start + blockLength], as: type, to: &bytes)
            }
        }
        encoded[deviation] = bytes
        return bytes
    }
}

/// Normally distributed numbers (Box and Muller).
struct GaussianRandom {
    private var random: SeededRandom
    private var spare: Double?

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func next() -> Double {
        if let spare {
            self.spare = nil
            return spare
        }
        // In 0 < u <= 1, whose logarithm is finite.
        let radius = (-2 * log(1 - random.unit())).squareRoot()
        let angle = 2 * Double.pi * random.unit()
        spare = radius * sin(angle)
        return radius * cos(angle)
    }
}
