import CKernels

extension Kernels {
    /// Stores keys and values of each row at its position, rounded to the cache's format.
    ///
    /// `keys` are `[rows, keyValueHeads * keyHeadWidth]`, `values` likewise.
    public func store(keys: [Float], values: [Float], layer: Int, for work: AttentionWork) {
        let shape = work.shape
        precondition(keys.count == work.rowCount * shape.keyWidth, "\(keys.count) keys")
        precondition(values.count == work.rowCount * shape.valueWidth, "\(values.count) values")
        guard let layout = work.layout else { return }
        precondition(layer >= 0 && layer < layout.layerCount, "no layer \(layer)")
        unsafe keys.withUnsafeBufferPointer { keys in
            unsafe values.withUnsafeBufferPointer { values in
                guard let keys = keys.baseAddress, let values = values.baseAddress
                else { return }
                let writer = unsafe CacheWriter(table: table, layout: layout, layer: layer)
                for run in work.runs {
                    unsafe writer.store(run, keys: keys, values: values)
                }
            }
        }
    }

    /// Attention of each row over positions 0 through its own, after they are stored.
    ///
    /// `queries` are `[rows, heads * keyHeadWidth]`; `y` is `[rows, heads * valueHeadWidth]`,
    /// overwritten.
    public func attend(
        layer: Int,
        queries: [Float],
        work: AttentionWork,
        into y: inout [Float]
    ) {
        let shape = work.shape
        precondition(
            queries.count == work.rowCount * shape.heads * shape.keyHeadWidth,
            "\(queries.count) query values for \(work.rowCount) rows of \(shape.heads) heads"
        )
        precondition(
            y.count == work.rowCount * shape.heads * shape.valueHeadWidth,
            "\(y.count) results for \(work.rowCount) rows of \(shape.heads) heads"
        )
        guard let layout = work.layout else { return }
        precondition(layer >= 0 && layer < layout.layerCount, "no layer \(layer)")
        exclusively {
            unsafe withPointers(queries, &y) { queries, y in
                let rooms = unsafe AttentionRooms(scratch, layout, work, threadCount: threadCount)
                nonisolated(unsafe) let step = unsafe AttentionStep(
                    table: table,
                    layout: layout,
                    layer: layer,
                    work: work,
                    queries: queries,
                    y: y.start,
                    rooms: rooms
                )
                unsafe run(step, operations: work.operationCount)
            }
        }
    }

    /// Lets the threads share the tasks, then the merging of parts that were split.
    private func run(_ step: AttentionStep, operations: Int) {
        let (tasks, splitParts) = unsafe (step.work.tasks.count, step.work.splitParts.count)
        let worthwhile = Slices.taskLimit(operations: operations, threadCount: threadCount)
        let threads = min(threadCount, tasks, worthwhile)
        let claims = scratch.claims
        let state = unsafe (claims, step)
        claims.start(tasks)
        unsafe pool.run(threads, with: state) { state, thread in
            let (claims, step) = unsafe state
            while let task = claims.next() { unsafe step.perform(task, thread: thread) }
        }
        guard splitParts > 0 else { return }
        claims.start(splitParts)
        unsafe pool.run(min(threads, splitParts), with: state) { state, thread in
            let (claims, step) = unsafe state
            while let index = claims.next() { unsafe step.mergeSplitPart(index, thread: thread) }
        }
    }
}
