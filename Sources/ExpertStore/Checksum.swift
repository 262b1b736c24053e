import CXXHash

/// Tells damaged bytes from right ones, as fast as memory is read: XXH3 of 64 bits.
///
/// Against disks and crashes, not against people.
enum Checksum {
    /// - Parameter seed: keeps equal bytes in different places apart.
    static func of(_ bytes: RawSpan, seed: UInt64) -> UInt64 {
        unsafe bytes.withUnsafeBytes { bytes in
            unsafe XXH3_64bits_withSeed(bytes.baseAddress, bytes.count, seed)
        }
    }
}
