import CKernels
import Glibc
import Kernels
import Synchronization

/// Memory to be read by benchmarks: much more than any cache holds, on pages of one size.
@safe final class ReadMemory {
    /// What one task reads: about 4 MB, small enough for slow threads to be helped out, large
    /// enough for the handing over not to be seen.
    ///
    /// An odd number of strides for each of 16 streams, lest all streams fall into the same sets of
    /// a cache.
    private static let pieceByteCount = 16 * 256 * 1021
    private static let hugePageByteCount = 2 << 20

    private let mapping: UnsafeMutableRawBufferPointer
    private let start: UnsafePointer<UInt8>
    let byteCount: Int

    /// - Throws: where the system has not that much memory.
    init(byteCount: Int, pages: ReadMethod.Pages) throws(MachineError) {
        self.byteCount = max(1, byteCount / Self.pieceByteCount) * Self.pieceByteCount
        let mapped = self.byteCount + Self.hugePageByteCount
        let address = unsafe mmap(
            nil,
            mapped,
            PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS,
            -1,
            0
        )
        guard let address = unsafe address, unsafe address != MAP_FAILED else {
            throw .noMemory(byteCount: mapped)
        }
        unsafe mapping = UnsafeMutableRawBufferPointer(start: address, count: mapped)
        let aligned = unsafe address.alignedUp(toMultipleOf: Self.hugePageByteCount)
        // Advice: where the system has no huge pages, both kinds are the same and measure so.
        _ = unsafe madvise(
            aligned,
            self.byteCount,
            pages == .huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE
        )
        let words = unsafe aligned.bindMemory(to: UInt64.self, capacity: self.byteCount / 8)
        // Different everywhere, so that no layer below can share the pages.
        for index in 0..<self.byteCount / 8 {
            unsafe words[index] = UInt64(truncatingIfNeeded: index) &* 0x9E37_79B9_7F4A_7C15
        }
        unsafe start = UnsafePointer(aligned.assumingMemoryBound(to: UInt8.self))
    }

    deinit { unsafe munmap(mapping.baseAddress, mapping.count) }

    /// Reads everything once and returns the bytes per second.
    func rate(_ method: ReadMethod, pool: ThreadPool) -> Double {
        let sum = Atomic<UInt64>(0)
        nonisolated(unsafe) let start = unsafe start
        let seconds = Sample.seconds {
            pool.run(byteCount / Self.pieceByteCount) { index in
                var read = unsafe moiety_read(
                    memory: start + index * Self.pieceByteCount,
                    byte_count: Self.pieceByteCount,
                    prefetch_distance: method.prefetchDistance,
                    prefetch: moiety_prefetch(method.prefetch.rawValue),
                    streams: UInt32(method.streamCount),
                    register_bytes: UInt32(method.registerByteCount)
                )
                sum.wrappingAdd(unsafe moiety_read_memory(&read), ordering: .relaxed)
            }
        }
        let total = sum.load(ordering: .relaxed)
        precondition(total == expectedSum, "\(method) read \(total) instead of \(expectedSum)")
        return Double(byteCount) / seconds
    }

    /// Of all words: a way that skipped some would not be a way to read.
    private var expectedSum: UInt64 {
        let count = UInt64(byteCount / 8)
        return (count / 2 &* (count &- 1)) &* 0x9E37_79B9_7F4A_7C15
    }
}

/// What the machine does not let be measured.
public enum MachineError: Error, Equatable, CustomStringConvertible {
    case noMemory(byteCount: Int)

    public var description: String {
        switch self {
        case .noMemory(let byteCount):
            "there is no memory for a buffer of \(byteCount) bytes; free some, or ask for a "
                + "smaller one with --megabytes"
        }
    }
}
