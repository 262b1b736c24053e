import CKernels

/// Attention of one layer while its tasks run, each on any thread.
@unsafe struct AttentionStep {
    let table: moiety_kernels
    let layout: CacheLayout
    let layer: Int
    let work: AttentionWork
    let queries: UnsafePointer<Float>
    let y: UnsafeMutablePointer<Float>
    let rooms: AttentionRooms

    /// Computes a task; a part that is not split is finished with it.
    func perform(_ index: Int, thread: Int) {
        let task = unsafe work.tasks[index]
        let part = unsafe self.part(task.part, thread)
        unsafe part.pack()
        guard unsafe part.part.kept == nil else { return unsafe part.keep(task.tiles) }
        unsafe part.start()
        unsafe part.compute(task.tiles)
        unsafe part.finish()
    }

    /// Merges the tiles of a part that was split.
    func mergeSplitPart(_ index: Int, thread: Int) {
        let part = unsafe self.part(work.splitParts[index], thread)
        unsafe part.start()
        unsafe part.mergeKept()
        unsafe part.finish()
    }

    private func part(_ index: Int, _ thread: Int) -> AttentionPart {
        let part = unsafe work.parts[index]
        return unsafe AttentionPart(
            step: self,
            part: part,
            run: work.runs[part.run],
            thread: thread,
            lengths: rooms.lengths(thread: thread)
        )
    }
}

/// A part while a thread computes it: block by block of queries, over tile after tile.
@unsafe struct AttentionPart {
    let step: AttentionStep
    let part: AttentionWork.Part
    let run: AttentionWork.Run
    let thread: Int
    /// Positions of a tile that each query of a block sees.
    let lengths: UnsafeMutablePointer<Int>

    private var heads: AttentionShape { unsafe step.layout.heads }
    private var blocks: Range<Int> { unsafe 0..<part.blockCount }

    /// Puts the queries into the order in which they are read.
    func pack() {
        let width = unsafe heads.keyHeadWidth
        for block in unsafe blocks {
            let packed = unsafe step.rooms.packed(thread: thread, block: block)
            let members = unsafe part.block(block)
            if members.count < MOIETY_QUERIES {
                unsafe packed.update(repeating: 0, count: step.rooms.packedLength)
            }
            for (place, query) in members.enumerated() {
                let start = unsafe step.queries + index(query) * width
                unsafe step.table.pack_query(packed + place, start, heads.scale, width)
            }
        }
    }

    /// Results as before the first tile.
    func start() {
        for block in unsafe blocks {
            unsafe step.table.start_part(result(block), step.layout.valueStride)
        }
    }

    /// Adds tiles, in order, to the results.
    func compute(_ tiles: Range<Int>) {
        let tileResult = unsafe step.rooms.tile(thread: thread)
        for tile in tiles {
            var isFirst = true
            for block in unsafe blocks where unsafe see(tile, block) {
                unsafe attend(block, tile, of: tiles, isFirst: isFirst, into: tileResult)
                unsafe merge(tileResult, into: block)
                isFirst = false
            }
        }
    }

    /// Computes tiles and keeps the results of each.
    func keep(_ tiles: Range<Int>) {
        for tile in tiles {
            var isFirst = true
            for block in unsafe blocks where unsafe see(tile, block) {
                let kept = unsafe kept(block, tile)
                unsafe attend(block, tile, of: tiles, isFirst: isFirst, into: kept)
                isFirst = false
            }
        }
    }

    /// Adds all kept tiles, in order, to the results.
    func mergeKept() {
        for tile in unsafe 0..<part.tileCount {
            for block in unsafe blocks where unsafe see(tile, block) {
                unsafe merge(kept(block, tile), into: block)
            }
        }
    }

    /// Writes the results to the rows they belong to.
    func finish() {
        let (width, stride) = unsafe (heads.valueHeadWidth, step.layout.valueStride)
        for block in unsafe blocks {
            for (place, query) in unsafe part.block(block).enumerated() {
                let row = unsafe step.y + index(query) * width
                unsafe step.table.finish_part(row, result(block), place, width, stride)
            }
        }
    }

    // MARK: One block

    /// The number of a query among all rows and heads.
    private func index(_ query: Int) -> Int {
        let (row, head) = unsafe query.quotientAndRemainder(dividingBy: heads.group)
        return unsafe (run.firstRow + row) * heads.heads + part.head * heads.group + head
    }

    private func result(_ block: Int) -> UnsafeMutablePointer<Float> {
        unsafe step.rooms.result(thread: thread, block: block)
    }

    private func kept(_ block: Int, _ tile: Int) -> UnsafeMutablePointer<Float> {
        unsafe step.rooms.kept((part.kept ?? 0) + tile * part.blockCount + block)
    }

    /// Sets the lengths to what the block's queries see of a tile; false if that is nothing.
    private func see(_ tile: Int, _ block: Int) -> Bool {
        let start = unsafe tile * CacheLayout.pageLength - run.firstPosition
        var most = 0
        for (place, query) in unsafe part.block(block).enumerated() {
            let seen = unsafe query / heads.group + 1 - start
            unsafe lengths[place] = max(0, min(seen, CacheLayout.pageLength))
            most = unsafe max(most, lengths[place])
        }
        return most > 0
    }

    private func merge(_ tile: UnsafePointer<Float>, into block: Int) {
        var merge = unsafe moiety_merge(
            part: result(block),
            tile: tile,
            query_count: part.block(block).count,
            lengths: lengths,
            value_stride: step.layout.valueStride
        )
        unsafe step.table.merge(&merge)
    }

    /// Attends to one of `tiles`; the first block to read it also asks for what is read next.
    private func attend(
        _ block: Int,
        _ tile: Int,
        of tiles: Range<Int>,
        isFirst: Bool,
        into result: UnsafeMutablePointer<Float>
    ) {
        let layout = unsafe step.layout
        let head = unsafe start(of: tile)
        let values = unsafe head + layout.valuesOffset
        let next = unsafe isFirst && tile + 1 < tiles.upperBound ? start(of: tile + 1) : nil
        let hasScales = layout.format != .f16
        let keyScales = unsafe hasScales ? floats(head + layout.keyScalesOffset) : nil
        let valueScales = unsafe hasScales ? floats(head + layout.valueScalesOffset) : nil
        var attention = unsafe moiety_attention(
            queries: step.rooms.packed(thread: thread, block: block),
            query_count: part.block(block).count,
            lengths: lengths,
            keys: bytes(head),
            key_scales: keyScales,
            values: bytes(values),
            value_scales: valueScales,
            key_width: layout.heads.keyHeadWidth,
            value_width: layout.heads.valueHeadWidth,
            value_stride: layout.valueStride,
            type: layout.format.type,
            first_ahead: isFirst ? bytes(values) : nil,
            second_ahead: next.map { unsafe bytes($0) },
            scores: step.rooms.scores(thread: thread),
            part: result
        )
        unsafe step.table.attend(&attention)
    }

    /// Where the part's head starts in a tile's page.
    private func start(of tile: Int) -> UnsafeMutableRawPointer {
        unsafe run.pages[tile] + step.layout.offset(layer: step.layer, head: part.head)
    }

    private func bytes(_ start: UnsafeMutableRawPointer) -> UnsafePointer<UInt8> {
        unsafe UnsafePointer(start.assumingMemoryBound(to: UInt8.self))
    }

    private func floats(_ start: UnsafeMutableRawPointer) -> UnsafePointer<Float> {
        unsafe UnsafePointer(start.assumingMemoryBound(to: Float.self))
    }
}
