/// What a template may cost: it comes with a model's file, and nobody has read it.
public struct Limits: Equatable, Sendable {
    /// Longest template; the longest of well-known models has some twenty thousand bytes.
    public var sourceByteCount = 256 << 10
    /// How deep tags and expressions are nested in the template, calls while it runs, and values
    /// in each other.
    ///
    /// Each level takes a little of the thread's stack.
    public var depth = 160
    /// Expressions evaluated and tags run, some 100 ns each; texts cost one for 64 bytes besides.
    ///
    /// A conversation of a thousand messages takes about a hundred thousand.
    public var steps = 4_000_000
    /// Longest text to come out; a prompt of a megabyte is the longest that is taken.
    public var outputByteCount = 8 << 20
    /// Bytes of all values made on the way, also of those that are given up again.
    ///
    /// Bounds memory: nothing is made without being counted here first.
    public var valueByteCount = 128 << 20
    /// Most numbers of one `range()`, as in Jinja's own sandbox.
    public var rangeCount = 100_000

    public init() {}
}
