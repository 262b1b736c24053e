import CKernels

/// The rows of a step as attention sees them, and its tasks: the same in every layer.
///
/// A run is rows of one sequence at adjacent positions. Its queries of one key and value head are
/// numbered row by row and cut into parts that share what they read. A task computes one part, or
/// some tiles of one part where a long context would leave threads without work: then each tile's
/// result is kept and they are merged afterwards, in the order that one task would merge them in.
public struct AttentionWork {
    /// Rows of one sequence.
    @safe struct Run {
        let pages: UnsafeMutablePointer<UnsafeMutableRawPointer>
        let firstRow: Int
        let firstPosition: Int
        var rowCount: Int
    }

    /// Adjacent queries of a run, over all tiles that one of them sees.
    struct Part {
        let run: Int
        let head: Int
        let queries: Range<Int>
        let tileCount: Int
        /// Where the results of its first tile are kept, in blocks of queries, if it is split.
        var kept: Int?
    }

    struct Task {
        let part: Int
        let tiles: Range<Int>
    }

    public let shape: AttentionShape
    private(set) var runs: [Run] = []
    private(set) var parts: [Part] = []
    private(set) var tasks: [Task] = []
    /// Parts whose tasks keep the results of tiles.
    private(set) var splitParts: [Int] = []
    /// Blocks of queries whose results are kept.
    private(set) var keptCount = 0
    /// Multiply-adds of a layer.
    private(set) var operationCount = 0
    private(set) var rowCount = 0
    /// So that the pages stay while they are pointed to.
    private var caches: [KeyValueCache] = []

    /// Queries of a part at most, and in a split one.
    static let longestPart = 128
    private static let longestSplitPart = 2 * Int(MOIETY_QUERIES)
    /// From here on a part is rather cut by its tiles than by its queries, which would read all
    /// tiles twice.
    private static let longContext = 8 * CacheLayout.pageLength
    /// Tasks wanted for each thread, so that one which lost time is helped out.
    private static let tasksPerThread = 4
    /// Tiles that are worth a task of their own.
    private static let shortestSplit = 2

    /// Of the caches of all rows; nil without rows.
    var layout: CacheLayout? { caches.first?.pool.layout }

    /// No rows yet.
    public init(_ shape: AttentionShape) { self.shape = shape }

    /// Forgets all rows.
    public mutating func removeAll() {
        runs.removeAll(keepingCapacity: true)
        parts.removeAll(keepingCapacity: true)
        tasks.removeAll(keepingCapacity: true)
        splitParts.removeAll(keepingCapacity: true)
        caches.removeAll(keepingCapacity: true)
        (keptCount, operationCount, rowCount) = (0, 0, 0)
    }

    /// Appends a row at `position` of the cache's sequence, which has room for it.
    ///
    /// Rows of a sequence come in the order of their positions and follow what it holds.
    public mutating func append(_ cache: KeyValueCache, position: Int) {
        let layout = cache.pool.layout
        precondition(layout.heads == shape, "a cache of another shape")
        precondition(self.layout.map { $0 == layout } ?? true, "a cache of another layout")
        cache.hold(position)
        defer { rowCount += 1 }
        if let last = runs.indices.last, caches[last] === cache,
            position == runs[last].firstPosition + runs[last].rowCount
        {
            runs[last].rowCount += 1
            return
        }
        caches.append(cache)
        runs.append(
            unsafe Run(pages: cache.pages, firstRow: rowCount, firstPosition: position, rowCount: 1)
        )
    }

    /// Cuts the rows into tasks for so many threads.
    public mutating func divide(among threadCount: Int) {
        let length = partLength(threadCount)
        for run in runs.indices { appendParts(of: run, length: length) }
        let wanted = threadCount == 1 ? 1 : threadCount * Self.tasksPerThread
        let missing = (wanted + max(1, parts.count) - 1) / max(1, parts.count)
        for index in parts.indices.reversed() { appendTasks(of: index, about: missing) }
    }

    /// Queries of a part: enough to share loads, and a part for each thread where there are rows.
    private func partLength(_ threadCount: Int) -> Int {
        let all = rowCount * shape.heads
        let fair = all / (threadCount * Self.tasksPerThread)
        let block = Int(MOIETY_QUERIES)
        return min(Self.longestPart, max(1, fair / block) * block)
    }

    private mutating func appendParts(of index: Int, length: Int) {
        let run = runs[index]
        let count = run.rowCount * shape.group
        let isLong = run.firstPosition >= Self.longContext
        let length = isLong ? max(length, Self.longestSplitPart) : length
        for start in stride(from: 0, to: count, by: length) {
            let queries = start..<min(start + length, count)
            let last = run.firstPosition + (queries.upperBound - 1) / shape.group
            for head in 0..<shape.keyValueHeads {
                parts.append(
                    Part(
                        run: index,
                        head: head,
                        queries: queries,
                        tileCount: last / CacheLayout.pageLength + 1
                    )
                )
            }
            let widths = shape.keyHeadWidth + shape.valueHeadWidth
            operationCount += queries.count * shape.keyValueHeads * (last + 1) * widths
        }
    }

    /// One task, or about `count` where the part is a few queries over a long context.
    private mutating func appendTasks(of index: Int, about count: Int) {
        let part = parts[index]
        let fair = (part.tileCount + count - 1) / count
        let length = max(Self.shortestSplit, fair)
        guard part.queries.count <= Self.longestSplitPart, length < part.tileCount else {
            return tasks.append(Task(part: index, tiles: 0..<part.tileCount))
        }
        parts[index].kept = keptCount
        keptCount += part.blockCount * part.tileCount
        splitParts.append(index)
        for start in stride(from: 0, to: part.tileCount, by: length) {
            let tiles = start..<min(start + length, part.tileCount)
            tasks.append(Task(part: index, tiles: tiles))
        }
    }
}

extension AttentionWork.Part {
    /// Blocks of queries that are computed together.
    var blockCount: Int { (queries.count + Int(MOIETY_QUERIES) - 1) / Int(MOIETY_QUERIES) }

    /// The queries of a block.
    func block(_ index: Int) -> Range<Int> {
        let start = queries.lowerBound + index * Int(MOIETY_QUERIES)
        return start..<min(start + Int(MOIETY_QUERIES), queries.upperBound)
    }
}
