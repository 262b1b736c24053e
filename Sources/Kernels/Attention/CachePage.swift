/// Memory for keys and values of 256 adjacent positions, lent by a pool while anybody holds it.
///
/// Whoever took it from the pool writes it; once all its positions are written, sequences that
/// begin with the same tokens may read it too. Held by one thread at a time, like its pool.
@safe public final class CachePage {
    let start: UnsafeMutableRawPointer
    private let pool: PagePool

    init(_ start: UnsafeMutableRawPointer, of pool: PagePool) {
        unsafe self.start = start
        self.pool = pool
    }

    deinit { unsafe pool.giveBack(start) }
}
