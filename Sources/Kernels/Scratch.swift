/// Memory that operations write before they read; kept between them until it is released.
final class Scratch {
    /// `[rows, columns / 32]` and `[rows, columns / 16]`: sums of quants for the product under way.
    let sums = Room<Int32>()
    let halfSums = Room<Int32>()
    let groups = Room<LentGroup>()
    let gate = Room<Float>()
    let up = Room<Float>()
    let quants = Room<Int8>()
    let scales = Room<Float>()
    let innerSums = Room<Int32>()
    let innerHalfSums = Room<Int32>()
    let outputs = Room<Float>()
    let attention = Room<Float>()
    let keptTiles = Room<Float>()
    let lengths = Room<Int>()
    let claims = Claims()
    /// Float weights widened for OpenBLAS.
    let strips = Room<Float>()
    /// A row of weights taken out of its panel.
    let row = Room<UInt8>()
}

/// Uninitialised numbers that grow on demand and never shrink.
@safe final class Room<Element: BitwiseCopyable> {
    private var memory: UnsafeMutablePointer<Element>?
    private var capacity = 0

    deinit { unsafe memory?.deallocate() }

    /// Room for `count` elements; what an earlier call returned is gone if it was smaller.
    func pointer(count: Int) -> UnsafeMutablePointer<Element> {
        if let memory = unsafe memory, count <= capacity { return unsafe memory }
        unsafe memory?.deallocate()
        capacity = max(count, 2 * capacity, 64)
        let fresh = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        unsafe memory = fresh
        return unsafe fresh
    }
}
