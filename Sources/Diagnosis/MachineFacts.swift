import CLinux
import Foundation
public import Kernels

/// What a machine says of itself.
public struct MachineFacts: Equatable, Sendable {
    /// Whether somebody keeps the clock right; nil where the kernel does not tell.
    public var clockIsSynchronised: Bool?
    public var coreCount: Int
    public var instructionSet: InstructionSet
    public var nodeCount: Int
    public var memoryByteCount: UInt64
    public var availableByteCount: UInt64
    public var swapByteCount: UInt64
    /// The kernel's word: `always`, `madvise` or `never`; nil where it has none.
    public var hugePages: String?
    /// Open files and connections that a process may have.
    public var descriptorLimit: UInt64
    /// Bytes that a process may keep from being swapped out; nil for any number.
    public var lockableByteCount: UInt64?

    /// Below this many, connections of a few hundred clients use up what there is.
    static let fewestDescriptors: UInt64 = 4096

    public init(
        clockIsSynchronised: Bool?,
        coreCount: Int,
        instructionSet: InstructionSet,
        nodeCount: Int,
        memoryByteCount: UInt64,
        availableByteCount: UInt64,
        swapByteCount: UInt64,
        hugePages: String?,
        descriptorLimit: UInt64,
        lockableByteCount: UInt64?
    ) {
        self.clockIsSynchronised = clockIsSynchronised
        self.coreCount = coreCount
        self.instructionSet = instructionSet
        self.nodeCount = nodeCount
        self.memoryByteCount = memoryByteCount
        self.availableByteCount = availableByteCount
        self.swapByteCount = swapByteCount
        self.hugePages = hugePages
        self.descriptorLimit = descriptorLimit
        self.lockableByteCount = lockableByteCount
    }

    /// This machine's.
    public static var current: MachineFacts {
        let memory = Self.text(of: "/proc/meminfo")
        let clock = moiety_clock_is_synchronised()
        var lockable: UInt64 = 0
        let locksAny = unsafe moiety_may_lock_memory(&lockable) == 1
        return MachineFacts(
            clockIsSynchronised: clock < 0 ? nil : clock == 1,
            coreCount: ProcessInfo.processInfo.activeProcessorCount,
            instructionSet: .detected,
            nodeCount: Self.cpuListLength(Self.text(of: "/sys/devices/system/node/online")),
            memoryByteCount: Self.kilobytes("MemTotal:", memory) * 1024,
            availableByteCount: Self.kilobytes("MemAvailable:", memory) * 1024,
            swapByteCount: Self.kilobytes("SwapTotal:", memory) * 1024,
            hugePages: Self.chosen(Self.text(of: "/sys/kernel/mm/transparent_hugepage/enabled")),
            descriptorLimit: Self.hardLimit("Max open files", Self.text(of: "/proc/self/limits")),
            lockableByteCount: locksAny ? nil : lockable
        )
    }

    private static func text(of path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}

// How the kernel's files are read; the tests know some of each.
extension MachineFacts {
    /// The number behind a word at the beginning of a line; 0 where there is none.
    static func kilobytes(_ name: String, _ text: String) -> UInt64 {
        let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
        return line?.split(separator: " ").dropFirst().first.flatMap { UInt64($0) } ?? 0
    }

    /// The word in brackets.
    static func chosen(_ text: String) -> String? {
        guard let open = text.firstIndex(of: "["), let close = text[open...].firstIndex(of: "]")
        else { return nil }
        return String(text[text.index(after: open)..<close])
    }

    /// The second number of a line of limits; the largest where there is no bound.
    static func hardLimit(_ name: String, _ text: String) -> UInt64 {
        let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
        let words = line?.dropFirst(name.count).split(separator: " ") ?? []
        return words.count > 1 ? UInt64(words[1]) ?? .max : .max
    }

    /// How many numbers `0-3,8` has; 1 where it cannot be read.
    static func cpuListLength(_ text: String) -> Int {
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        let counts = trimmed.split(separator: ",").map { part in
            let ends = part.split(separator: "-").compactMap { Int($0) }
            guard let first = ends.first, let last = ends.last else { return 0 }
            let (span, overflow) = last.subtractingReportingOverflow(first)
            return overflow || span < 0 || span > 1 << 20 ? 0 : span + 1
        }
        return max(1, counts.reduce(0, +))
    }
}

extension MachineFacts {
    public var findings: [Finding] {
        [clock, processor, memory, hugePageFinding, descriptors].compactMap(\.self)
    }

    /// What there is to say of memory that must not be swapped out.
    ///
    /// - Parameter isWanted: whether the settings say so.
    public func lockedMemory(isWanted: Bool) -> Finding? {
        guard isWanted else { return nil }
        guard let lockableByteCount else {
            return .ok("locked memory", "this process may lock any amount, as lock-memory asks")
        }
        return .warn(
            "locked memory",
            "lock-memory is set, and what is started from here may lock "
                + gigabytes(lockableByteCount),
            "start the units, which have LimitMEMLOCK=infinity; from a shell, ulimit -l unlimited"
        )
    }

    private var clock: Finding {
        switch clockIsSynchronised {
        case true?: .ok("clock", "kept right")
        case false?:
            .warn(
                "clock",
                "nobody keeps it right, so logs of several machines are hard to compare",
                "timedatectl set-ntp true"
            )
        case nil: .ok("clock", "the system does not tell whether it is kept right")
        }
    }

    private var processor: Finding {
        let text = "\(coreCount) cores, \(instructionSet.name)"
        guard instructionSet != .scalar else {
            return .warn(
                "processor",
                text + ": without AVX2 it computes several times slower",
                "give this machine fewer experts, or none"
            )
        }
        guard nodeCount == 1 else {
            return .warn(
                "processor",
                text + ", memory in \(nodeCount) NUMA nodes",
                "run a worker for each node, bound to its CPUs with worker.cpus (lscpu lists them)"
            )
        }
        return .ok("processor", text)
    }

    private var memory: Finding {
        let text = "\(gigabytes(availableByteCount)) of \(gigabytes(memoryByteCount)) are free"
        guard swapByteCount == 0 else {
            return .warn(
                "memory",
                text + "; the system may swap weights out to \(gigabytes(swapByteCount)) of disk",
                "swapoff -a, or lock-memory: true in the settings"
            )
        }
        return .ok("memory", text)
    }

    private var hugePageFinding: Finding? {
        guard let hugePages else { return nil }
        guard hugePages != "never" else {
            return .warn(
                "huge pages",
                "the system never gives them, so reading weights takes longer",
                "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled"
            )
        }
        return .ok("huge pages", hugePages)
    }

    private var descriptors: Finding? {
        guard descriptorLimit < Self.fewestDescriptors else { return nil }
        return .warn(
            "open files",
            "a process may have \(descriptorLimit), which a few hundred clients use up",
            "ulimit -n \(Self.fewestDescriptors), or LimitNOFILE= in the unit"
        )
    }
}
