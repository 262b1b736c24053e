import CKernels

/// Writes keys and values of one layer into pages.
@unsafe struct CacheWriter {
    let table: moiety_kernels
    let layout: CacheLayout
    let layer: Int

    /// Stores what belongs to the run in `[rows, keyWidth]` and `[rows, valueWidth]`.
    func store(
        _ run: AttentionWork.Run,
        keys: UnsafePointer<Float>,
        values: UnsafePointer<Float>
    ) {
        let heads = unsafe layout.heads
        for row in 0..<run.rowCount {
            let (page, position) = (run.firstPosition + row)
                .quotientAndRemainder(dividingBy: CacheLayout.pageLength)
            for head in 0..<heads.keyValueHeads {
                let start = unsafe run.pages[page] + layout.offset(layer: layer, head: head)
                let place = (run.firstRow + row) * heads.keyValueHeads + head
                unsafe storeKey(keys + place * heads.keyHeadWidth, start, position)
                unsafe storeValue(values + place * heads.valueHeadWidth, start, position)
            }
        }
    }

    private func storeKey(
        _ x: UnsafePointer<Float>,
        _ start: UnsafeMutableRawPointer,
        _ position: Int
    ) {
        let first = unsafe layout.byteOffset(ofValues: layout.keyIndex(position: position))
        let scales =
            unsafe layout.format == .f16
            ? nil
            : (start + layout.keyScalesOffset).assumingMemoryBound(to: Float.self)
                + layout.keyScaleIndex(position: position)
        unsafe store(
            x,
            width: layout.heads.keyHeadWidth,
            at: start + first,
            scales: scales,
            step: CacheLayout.lineLength,
            blockStep: CacheLayout.lineLength * CacheLayout.lineLength,
            scaleStep: CacheLayout.lineLength
        )
    }

    private func storeValue(
        _ x: UnsafePointer<Float>,
        _ start: UnsafeMutableRawPointer,
        _ position: Int
    ) {
        let line = CacheLayout.lineLength
        let first = unsafe layout.byteOffset(ofValues: position * line)
        let scales =
            unsafe layout.format == .f16
            ? nil
            : (start + layout.valueScalesOffset).assumingMemoryBound(to: Float.self) + position
        unsafe store(
            x,
            width: layout.heads.valueHeadWidth,
            at: start + layout.valuesOffset + first,
            scales: scales,
            step: 1,
            blockStep: line * CacheLayout.pageLength,
            scaleStep: CacheLayout.pageLength
        )
    }

    private func store(
        _ x: UnsafePointer<Float>,
        width: Int,
        at place: UnsafeMutableRawPointer,
        scales: UnsafeMutablePointer<Float>?,
        step: Int,
        blockStep: Int,
        scaleStep: Int
    ) {
        var head = unsafe moiety_cache_head(
            values: place.assumingMemoryBound(to: UInt8.self),
            scales: scales,
            step: step,
            block_step: blockStep,
            scale_step: scaleStep,
            x: x,
            width: width,
            type: layout.format.type
        )
        unsafe table.store_head(&head)
    }
}
