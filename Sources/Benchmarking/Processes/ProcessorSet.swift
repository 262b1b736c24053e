import CLinux
import Kernels

/// CPUs that processes may run on.
public struct ProcessorSet: Equatable, Sendable, CustomStringConvertible {
    /// At least one.
    public let numbers: [Int]

    /// - Precondition: at least one.
    public init(_ numbers: [Int]) {
        precondition(!numbers.isEmpty, "a process needs a CPU")
        self.numbers = numbers
    }

    /// The CPU at a place, beginning again after the last.
    public func only(_ place: Int) -> ProcessorSet {
        ProcessorSet([numbers[place % numbers.count]])
    }

    /// Runs `body` with the calling thread, and what it starts, on these CPUs only.
    func confine<Result>(_ body: () throws -> Result) throws -> Result {
        let before = CurrentThread.cpus
        try Self.allow(numbers)
        // What was allowed before is allowed again.
        defer { _ = Self.set(before) }
        return try body()
    }

    private static func allow(_ numbers: [Int]) throws(ClusterBenchmarkError) {
        let code = set(numbers)
        guard code == 0 else {
            throw .affinity(reason: unsafe String(cString: moiety_error_text(code)))
        }
    }

    /// - Returns: 0 or an errno.
    private static func set(_ numbers: [Int]) -> Int32 {
        let cpus = numbers.map { Int32(clamping: $0) }
        return unsafe moiety_thread_set_affinity(cpus, Int32(cpus.count))
    }

    public var description: String { numbers.map { "\($0)" }.joined(separator: ",") }
}
