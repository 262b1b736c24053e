import Glibc

/// The processors that this process may compute on.
public struct Cores: Equatable, Sendable {
    /// The CPUs that the kernel lets the process use, ascending.
    public let cpus: [Int]
    /// The first of those CPUs on each physical core: a second one on the same core shares its
    /// arithmetic and adds nothing.
    public let physical: [Int]
    /// CPUs' worth of time that a container may use, or nil where it has no limit.
    public let quota: Int?

    /// - Parameters:
    ///   - cpus: ascending, at least one.
    ///   - siblings: the kernel's list of CPUs on the same core as one, such as `0,64`, or nil.
    ///   - quota: the control group's `cpu.max`, such as `150000 100000`, or nil.
    public init(cpus: [Int], siblings: (Int) -> String?, quota: String?) {
        self.cpus = cpus.isEmpty ? [0] : cpus
        var seen: Set<String> = []
        physical = self.cpus.filter { cpu in seen.insert(siblings(cpu) ?? "\(cpu)").inserted }
        self.quota = quota.flatMap(Self.quota)
    }

    /// Threads that compute without getting into each other's way.
    public var threadCount: Int { min(physical.count, quota ?? .max) }

    /// As the kernel sees this process now.
    public static func current() -> Cores {
        Cores(
            cpus: CurrentThread.cpus,
            siblings: { cpu in
                text("/sys/devices/system/cpu/cpu\(cpu)/topology/thread_siblings_list")
            },
            quota: text("/sys/fs/cgroup/cpu.max")
        )
    }

    /// Whole CPUs in a line of microseconds allowed and microseconds counted; `max` is no limit.
    private static func quota(_ line: String) -> Int? {
        let fields = line.split { $0 == " " || $0 == "\n" }.map { Int($0) }
        guard fields.count == 2, let allowed = fields[0], let period = fields[1],
            allowed > 0, period > 0
        else { return nil }
        let (whole, rest) = allowed.quotientAndRemainder(dividingBy: period)
        return max(1, rest > 0 ? whole + 1 : whole)
    }

    /// A short text file of the system; nil where it cannot be read.
    private static func text(_ path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe read(descriptor, bytes.baseAddress, bytes.count)
        }
        return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
    }
}
