/// Why a sequence gets no memory for keys and values.
public enum CacheError: Error, Equatable, CustomStringConvertible {
    /// Other sequences hold or have reserved the pages.
    case noPages(wanted: Int, free: Int, limit: Int)
    /// The machine has no memory for a page.
    case noMemory(pageByteCount: Int, pageCount: Int)

    public var description: String {
        switch self {
        case .noPages(let wanted, let free, let limit):
            "the context needs \(wanted) pages of the key-value cache, of which \(free) of "
                + "\(limit) are free; wait for others to end, or ask for a shorter context"
        case .noMemory(let byteCount, let pageCount):
            "no memory for another \(byteCount) bytes of keys and values beside \(pageCount) "
                + "pages of that size; use a shorter context, or fewer sequences at once"
        }
    }
}
