/// Rows being written.
@unsafe struct Target {
    let start: UnsafeMutablePointer<Float>
    let count: Int
}

/// Lends the elements of two arrays; does nothing where one is empty.
func withPointers<Element>(
    _ x: [Element],
    _ y: inout [Float],
    _ body: (UnsafePointer<Element>, Target) -> Void
) {
    unsafe x.withUnsafeBufferPointer { x in
        unsafe y.withUnsafeMutableBufferPointer { y in
            guard let first = x.baseAddress, let last = y.baseAddress else { return }
            unsafe body(first, Target(start: last, count: y.count))
        }
    }
}

/// Lends the elements of three arrays; does nothing where one is empty.
func withPointers<First, Second>(
    _ a: [First],
    _ b: [Second],
    _ y: inout [Float],
    _ body: (UnsafePointer<First>, UnsafePointer<Second>, Target) -> Void
) {
    unsafe a.withUnsafeBufferPointer { a in
        guard let first = a.baseAddress else { return }
        unsafe withPointers(b, &y) { second, target in
            unsafe body(first, second, target)
        }
    }
}
