public import Kernels

/// How fast memory can be read: the yardstick of everything that reads each weight once.
///
/// Many ways are tried in turn; those that did best, and plain loads, are measured again more
/// often, and the best median of that second round counts. So the winner of a lucky moment does
/// not, and the result is never below plain loads.
public final class ReadBandwidth {
    /// What one number of threads reaches.
    public struct Result: Sendable {
        public let threadCount: Int
        /// Bytes per second.
        public let best: Sample
        public let method: ReadMethod
        public let plain: Sample
    }

    /// Memory that no cache holds, for two page sizes each.
    public static let defaultByteCount = 512 << 20
    private static let firstRounds = 3
    private static let finalists = 6

    private let memories: [ReadMethod.Pages: ReadMemory]

    public init(byteCount: Int = defaultByteCount) throws(MachineError) {
        var memories: [ReadMethod.Pages: ReadMemory] = [:]
        for pages in ReadMethod.Pages.allCases {
            memories[pages] = try ReadMemory(byteCount: byteCount, pages: pages)
        }
        self.memories = memories
    }

    /// Tries all ways with the threads of `pool`.
    ///
    /// - Parameter progress: told the share that is done.
    public func measure(
        pool: ThreadPool,
        repetitions: Int = 11,
        progress: (Double) -> Void = { _ in }
    ) -> Result {
        let candidates = ReadMethod.candidates
        let first = measure(candidates, rounds: Self.firstRounds, pool: pool) {
            progress($0 / 2)
        }
        let order = candidates.indices.sorted { first[$0].median > first[$1].median }
        let kept = [ReadMethod.plain] + order.prefix(Self.finalists).map { candidates[$0] }
        let final = measure(kept, rounds: repetitions, pool: pool) { progress(0.5 + $0 / 2) }
        var best = 0
        for place in kept.indices where final[place].median > final[best].median { best = place }
        return Result(
            threadCount: pool.threadCount,
            best: final[best],
            method: kept[best],
            plain: final[0]
        )
    }

    /// One pass over the memory; bytes per second.
    public func pass(_ method: ReadMethod, pool: ThreadPool) -> Double {
        memories[method.pages]?.rate(method, pool: pool) ?? 0
    }

    /// Every way once per round, so that a slow moment of the machine hits all alike.
    private func measure(
        _ methods: [ReadMethod],
        rounds: Int,
        pool: ThreadPool,
        progress: (Double) -> Void
    ) -> [Sample] {
        var rates: [[Double]] = Array(repeating: [], count: methods.count)
        for round in 0..<rounds {
            for (place, method) in methods.enumerated() {
                rates[place].append(pass(method, pool: pool))
            }
            progress(Double(round + 1) / Double(rounds))
        }
        return rates.map { Sample($0) }
    }
}
