import CLinux

/// How many threads compute, and on which CPUs.
public struct ComputeThreads: Equatable, Sendable, CustomStringConvertible {
    /// At least one.
    public let count: Int
    /// One for each thread, or none where the kernel moves them as it likes.
    public let cpus: [Int]

    /// `2`, or `2 on CPUs 0, 1` where they are bound.
    public var description: String {
        guard !cpus.isEmpty else { return "\(count)" }
        return "\(count) on CPUs \(cpus.map(String.init).joined(separator: ", "))"
    }

    /// So many threads, bound to nothing.
    public init(count: Int) {
        precondition(count >= 1, "a pool of \(count) threads cannot compute")
        self.count = count
        cpus = []
    }

    /// What somebody asked for, as far as this process may have it.
    ///
    /// Threads are bound where CPUs are named; else they are not, because another process may
    /// have bound its own to the same ones. A process that takes all cores anyway loses nothing
    /// by binding its threads: that is what `takesAllCores` allows.
    ///
    /// - Parameters:
    ///   - wanted: how many; 0 takes one for each CPU named, else one for each core.
    ///   - cpus: where to bind them, or empty.
    public init(
        wanted: Int,
        cpus: [Int],
        takesAllCores: Bool = false,
        of cores: Cores = .current()
    ) throws(KernelsError) {
        guard !cpus.isEmpty else {
            count = wanted > 0 ? wanted : cores.threadCount
            let binds = takesAllCores && count > 1 && count == cores.physical.count
            self.cpus = binds ? cores.physical : []
            return
        }
        let missing = cpus.filter { !cores.cpus.contains($0) }
        guard missing.isEmpty else { throw .unusableCPUs(missing, usable: cores.cpus) }
        guard wanted <= cpus.count else { throw .moreThreadsThanCPUs(wanted, cpus: cpus) }
        count = wanted > 0 ? wanted : cpus.count
        self.cpus = Array(cpus.prefix(count))
    }
}

/// What the kernel lets the calling thread do.
public enum CurrentThread {
    /// The CPUs it may run on, ascending; empty where the kernel does not say.
    public static var cpus: [Int] {
        var room = [Int32](repeating: 0, count: 1024)
        let count = unsafe moiety_thread_get_affinity(&room, Int32(room.count))
        return room.prefix(max(0, Int(count))).map(Int.init)
    }

    /// Lets it run on one CPU only.
    static func bind(to cpu: Int) {
        guard let number = Int32(exactly: cpu) else { return }
        _ = unsafe withUnsafePointer(to: number) { unsafe moiety_thread_set_affinity($0, 1) }
    }
}
