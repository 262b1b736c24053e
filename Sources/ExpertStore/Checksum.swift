/// Tells damaged bytes from right ones, as fast as memory is read.
///
/// Against disks and crashes, not against people. Every step is a bijection of the lane that it
/// changes, so whatever changes bytes of one lane only is always found; anything else slips through
/// once in 2^64.
enum Checksum {
    private static let factor: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// - Parameter seed: keeps equal bytes in different places apart.
    static func of(_ bytes: RawSpan, seed: UInt64) -> UInt64 {
        unsafe bytes.withUnsafeBytes { bytes in unsafe sum(bytes, seed: seed) }
    }

    private static func sum(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
        var lanes = SIMD8<UInt64>(repeating: mixed(seed, 1))
        let whole = bytes.count / 64 * 64
        for start in stride(from: 0, to: whole, by: 64) {
            let words = unsafe bytes.loadUnaligned(fromByteOffset: start, as: SIMD8<UInt64>.self)
            let changed = lanes ^ words
            lanes = ((changed &<< 29) | (changed &>> 35)) &* factor
        }
        var result = mixed(seed, UInt64(bytes.count))
        for lane in lanes.indices { result = mixed(result, lanes[lane]) }
        for place in whole..<bytes.count { result = mixed(result, UInt64(unsafe bytes[place])) }
        return result
    }

    /// A bijection of `value`, whatever `sum` is.
    private static func mixed(_ sum: UInt64, _ value: UInt64) -> UInt64 {
        var result = (sum ^ value) &* factor
        result ^= result &>> 32
        result = result &* 0xD6E8_FEB8_6659_FD93
        return result ^ (result &>> 29)
    }
}
