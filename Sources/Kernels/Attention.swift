import CKernels

/// Heads of an attention layer.
public struct AttentionShape: Equatable, Sendable {
    public let heads: Int
    /// Key and value heads; each serves `heads / keyValueHeads` adjacent query heads.
    public let keyValueHeads: Int
    public let keyHeadWidth: Int
    public let valueHeadWidth: Int
    /// Factor on the scores, `1 / sqrt(keyHeadWidth)` for most models.
    public let scale: Float

    public init(
        heads: Int,
        keyValueHeads: Int,
        keyHeadWidth: Int,
        valueHeadWidth: Int,
        scale: Float
    ) {
        precondition(heads > 0 && keyValueHeads > 0 && heads % keyValueHeads == 0)
        precondition(keyHeadWidth > 0 && valueHeadWidth > 0)
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.keyHeadWidth = keyHeadWidth
        self.valueHeadWidth = valueHeadWidth
        self.scale = scale
    }
}

/// Where a row of the batch stands: its sequence's cache and its position there.
public struct AttentionRow {
    public let cache: KeyValueCache
    public let position: Int

    public init(cache: KeyValueCache, position: Int) {
        self.cache = cache
        self.position = position
    }
}

extension Kernels {
    /// Stores keys and values of each row at its position, rounded to half precision.
    ///
    /// Rows of a sequence come in the order of their positions.
    /// `keys` are `[rows, keyWidth]` and `values` `[rows, valueWidth]`.
    public func store(keys: [Float], values: [Float], at rows: [AttentionRow]) {
        guard let width = rows.first.map({ ($0.cache.keyWidth, $0.cache.valueWidth) }) else {
            return
        }
        precondition(keys.count == rows.count * width.0, "\(keys.count) keys of \(width.0)")
        precondition(values.count == rows.count * width.1, "\(values.count) values of \(width.1)")
        unsafe keys.withUnsafeBufferPointer { keys in
            unsafe values.withUnsafeBufferPointer { values in
                guard let keys = keys.baseAddress, let values = values.baseAddress
                else { return }
                for (index, row) in rows.enumerated() {
                    let (cache, position) = (row.cache, row.position)
                    precondition((cache.keyWidth, cache.valueWidth) == width)
                    cache.hold(position)
                    unsafe table.narrow(
                        cache.keys + position * width.0,
                        keys + index * width.0,
                        width.0
                    )
                    unsafe table.narrow(
                        cache.values + position * width.1,
                        values + index * width.1,
                        width.1
                    )
                }
            }
        }
    }

    /// Attention of each row over positions 0 through its own.
    ///
    /// `queries` are `[rows, heads * keyHeadWidth]`; `y` is `[rows, heads * valueHeadWidth]`,
    /// overwritten. The caches hold the rows' positions.
    public func attend(
        _ shape: AttentionShape,
        queries: [Float],
        rows: [AttentionRow],
        into y: inout [Float]
    ) {
        check(shape, queryCount: queries.count, rows: rows, resultCount: y.count)
        let scratchWidth = MOIETY_TILE + shape.valueHeadWidth
        let taskCount = rows.count * shape.heads
        let portionCount = portionCount(shape, rows)
        exclusively {
            nonisolated(unsafe) let scratch = unsafe scratch.attention.pointer(
                count: portionCount * scratchWidth
            )
            unsafe withPointers(queries, &y) { queries, y in
                nonisolated(unsafe) let (queries, y, rows) = unsafe (queries, y.start, rows)
                pool.run(portionCount) { [self] portion in
                    // Late positions cost more than early ones, so a portion has some of each.
                    for task in stride(from: portion, to: taskCount, by: portionCount) {
                        let (row, head) = task.quotientAndRemainder(dividingBy: shape.heads)
                        unsafe attend(
                            shape,
                            head,
                            rows[row],
                            query: queries + task * shape.keyHeadWidth,
                            scratch: scratch + portion * scratchWidth,
                            into: y + task * shape.valueHeadWidth
                        )
                    }
                }
            }
        }
    }

    /// Into how many portions the heads of all rows are cut.
    private func portionCount(_ shape: AttentionShape, _ rows: [AttentionRow]) -> Int {
        let positions = rows.reduce(0) { $0 + $1.position + 1 }
        let width = shape.heads * (shape.keyHeadWidth + shape.valueHeadWidth)
        let most = Slices.taskLimit(operations: positions * width, threadCount: threadCount)
        return min(rows.count * shape.heads, most)
    }

    private func attend(
        _ shape: AttentionShape,
        _ head: Int,
        _ row: AttentionRow,
        query: UnsafePointer<Float>,
        scratch: UnsafeMutablePointer<Float>,
        into y: UnsafeMutablePointer<Float>
    ) {
        let group = head / (shape.heads / shape.keyValueHeads)
        var attention = unsafe moiety_attention(
            out: y,
            query: query,
            keys: row.cache.keys + group * shape.keyHeadWidth,
            values: row.cache.values + group * shape.valueHeadWidth,
            key_stride: row.cache.keyWidth,
            value_stride: row.cache.valueWidth,
            key_width: shape.keyHeadWidth,
            value_width: shape.valueHeadWidth,
            length: row.position + 1,
            scale: shape.scale,
            scratch: scratch
        )
        unsafe table.attend(&attention)
    }

    private func check(
        _ shape: AttentionShape,
        queryCount: Int,
        rows: [AttentionRow],
        resultCount: Int
    ) {
        precondition(
            queryCount == rows.count * shape.heads * shape.keyHeadWidth,
            "\(queryCount) query values for \(rows.count) rows of \(shape.heads) heads"
        )
        precondition(
            resultCount == rows.count * shape.heads * shape.valueHeadWidth,
            "\(resultCount) results for \(rows.count) rows of \(shape.heads) heads"
        )
        for row in rows {
            precondition(row.cache.keyWidth == shape.keyValueHeads * shape.keyHeadWidth)
            precondition(row.cache.valueWidth == shape.keyValueHeads * shape.valueHeadWidth)
            precondition(
                row.position >= 0 && row.position < row.cache.positionCount,
                "position \(row.position) is not among \(row.cache.positionCount)"
            )
        }
    }
}
