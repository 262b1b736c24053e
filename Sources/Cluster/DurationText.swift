extension Duration {
    /// Seconds with one decimal, as people read them: `2.1 s`.
    package var inSeconds: String {
        let tenths = clampedNanoseconds / 100_000_000
        return "\(tenths < 0 ? "-" : "")\((tenths / 10).magnitude).\((tenths % 10).magnitude) s"
    }
}
