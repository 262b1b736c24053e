import Model

extension SeededRandom {
    /// From 0 up to, not including, `count`.
    mutating func index(below count: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(count)).high)
    }
}
