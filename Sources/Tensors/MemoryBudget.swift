internal import Glibc
import Synchronization

/// Memory that was asked for and is not there.
public struct MemoryShortage: Error, Equatable, Sendable {
    public let needed: Int
    public let available: Int
}

/// Asks the system for its memory before much of it is taken.
///
/// The system promises more memory than it has and kills a process that uses what it was
/// promised. A file full of holes may announce any size, so whoever allocates for a file asks here
/// first.
public enum MemoryBudget {
    /// Allocations add up to this much between two questions.
    private static let stride = 16 << 20
    private static let unasked = Atomic<Int>(0)

    /// Refuses `count` bytes where the machine, or the container's share of it, has fewer.
    public static func check(_ count: Int) throws(MemoryShortage) {
        let (_, sum) = unasked.add(min(count, stride), ordering: .relaxed)
        guard sum >= stride else { return }
        unasked.store(0, ordering: .relaxed)
        guard let available = available(), count > available else { return }
        throw MemoryShortage(needed: count, available: available)
    }

    /// Bytes that can still be taken, or nil where the system does not say.
    public static func available() -> Int? {
        let machine = field("MemAvailable:", of: "/proc/meminfo")
        guard let limit = leadingNumber(of: text("/sys/fs/cgroup/memory.max")) else {
            return machine
        }
        // Files that the system keeps in memory count too, but go when memory is needed.
        let own = field("RssAnon:", of: "/proc/self/status") ?? 0
        let left = max(0, limit - own)
        return machine.map { min($0, left) } ?? left
    }

    /// What this process has in memory now, its program included, or nil where the system does not
    /// say.
    public static func residentByteCount() -> Int? { field("VmRSS:", of: "/proc/self/status") }

    /// The most that it ever had in memory.
    public static func peakByteCount() -> Int? { field("VmHWM:", of: "/proc/self/status") }

    /// The bytes that a line of a file of `/proc` gives in kilobytes.
    static func field(_ name: String, of path: String) -> Int? {
        for line in text(path).split(separator: "\n") where line.hasPrefix(name) {
            let number = line.dropFirst(name.count).drop { $0 == " " || $0 == "\t" }
            return leadingNumber(of: String(number)).map { $0 << 10 }
        }
        return nil
    }

    private static func leadingNumber(of text: String) -> Int? {
        // Small enough for its bytes to be counted, were it kilobytes.
        guard let number = Int(text.prefix { $0.isNumber }), number < 1 << 50 else { return nil }
        return number
    }

    /// A short text file of the system, which has no size; nothing where it cannot be read.
    private static func text(_ path: String) -> String {
        let descriptor = retryingInterrupts { unsafe open(path, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 8192)
        let count = retryingInterrupts {
            unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe read(descriptor, bytes.baseAddress, bytes.count)
            }
        }
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }
}
