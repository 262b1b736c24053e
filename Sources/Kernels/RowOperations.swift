import CKernels
public import Tensors

/// Operations on rows of plain values.
extension Kernels {
    /// Rounds the values of `x` to int8 in blocks of 32, with a scale each.
    ///
    /// - Precondition: the width is a multiple of 32.
    public func quantize(_ x: inout Activations) {
        precondition(x.width % Activations.blockLength == 0, "\(x.width) is no multiple of 32")
        precondition(x.hasValues, "there are no values to round")
        let count = x.values.count
        x.quants.resize(to: count, filler: 0)
        x.scales.resize(to: count / Activations.blockLength, filler: 0)
        guard count > 0 else { return }
        unsafe x.values.withUnsafeBufferPointer { values in
            unsafe x.quants.withUnsafeMutableBufferPointer { quants in
                unsafe x.scales.withUnsafeMutableBufferPointer { scales in
                    guard let values = values.baseAddress,
                        let quants = quants.baseAddress,
                        let scales = scales.baseAddress
                    else { return }
                    unsafe table.quantize(quants, scales, values, count)
                }
            }
        }
    }

    /// Divides each row by its root mean square and multiplies by `weight`.
    ///
    /// A row is `weight.count` values; for norms of heads it is one head. `y` takes as many values
    /// as `x`, overwritten.
    public func rmsNorm(_ x: [Float], weight: [Float], epsilon: Float, into y: inout [Float]) {
        let width = weight.count
        precondition(width > 0 && x.count % width == 0, "\(x.count) values in rows of \(width)")
        precondition(y.count == x.count, "\(y.count) results for \(x.count) values")
        unsafe withPointers(x, weight, &y) { x, weight, y in
            for start in unsafe stride(from: 0, to: y.count, by: width) {
                unsafe table.rms_norm(y.start + start, x + start, weight, width, epsilon)
            }
        }
    }

    /// The same in place.
    public func rmsNorm(_ x: inout [Float], weight: [Float], epsilon: Float) {
        let width = weight.count
        precondition(width > 0 && x.count % width == 0, "\(x.count) values in rows of \(width)")
        unsafe withPointers(weight, &x) { weight, x in
            for start in unsafe stride(from: 0, to: x.count, by: width) {
                let row = unsafe x.start + start
                unsafe table.rms_norm(row, row, weight, width, epsilon)
            }
        }
    }

    /// `y += bias` for each row of `bias.count` values.
    public func addBias(_ bias: [Float], to y: inout [Float]) {
        let width = bias.count
        precondition(width > 0 && y.count % width == 0, "\(y.count) values in rows of \(width)")
        unsafe withPointers(bias, &y) { bias, y in
            for start in unsafe stride(from: 0, to: y.count, by: width) {
                unsafe table.add(y.start + start, bias, width)
            }
        }
    }

    /// `y += x`.
    public func add(_ x: [Float], to y: inout [Float]) {
        precondition(x.count == y.count, "\(x.count) values to add to \(y.count)")
        unsafe withPointers(x, &y) { x, y in
            unsafe table.add(y.start, x, y.count)
        }
    }

    /// `y += sums`, each sum rounded to f32 first.
    public func add(_ sums: [Double], to y: inout [Float]) {
        precondition(sums.count == y.count, "\(sums.count) sums to add to \(y.count)")
        unsafe withPointers(sums, &y) { sums, y in
            unsafe table.add_sums(y.start, sums, y.count)
        }
    }

    /// `y = silu(gate) * up`, value by value.
    public func siluMultiply(gate: [Float], up: [Float], into y: inout [Float]) {
        precondition(gate.count == up.count && y.count == gate.count)
        unsafe withPointers(gate, up, &y) { gate, up, y in
            unsafe table.silu_multiply(y.start, gate, up, y.count)
        }
    }

    /// Softmax of each row of `width` values, in place.
    public func softmax(_ x: inout [Float], width: Int) {
        precondition(width > 0 && x.count % width == 0, "\(x.count) values in rows of \(width)")
        unsafe x.withUnsafeMutableBufferPointer { x in
            guard let start = x.baseAddress else { return }
            for row in stride(from: 0, to: x.count, by: width) {
                unsafe table.softmax(start + row, width)
            }
        }
    }

    /// `1 / (1 + exp(-x))` of each value, in place.
    public func sigmoid(_ x: inout [Float]) {
        unsafe x.withUnsafeMutableBufferPointer { x in
            guard let start = x.baseAddress else { return }
            unsafe table.sigmoid(start, start, x.count)
        }
    }

    public func sigmoid(_ x: Float) -> Float {
        var result: Float = 0
        unsafe withUnsafePointer(to: x) { unsafe table.sigmoid(&result, $0, 1) }
        return result
    }

    /// `exp` of each value, in place.
    public func exp(_ x: inout [Float]) {
        unsafe x.withUnsafeMutableBufferPointer { x in
            guard let start = x.baseAddress else { return }
            unsafe table.exp(start, start, x.count)
        }
    }

    /// Whether no value is infinite or NaN.
    public func allFinite(_ x: ArraySlice<Float>) -> Bool {
        unsafe x.withUnsafeBufferPointer { x in
            guard let start = x.baseAddress else { return true }
            return unsafe table.all_finite(start, x.count) != 0
        }
    }

    /// Whether no value is infinite or NaN.
    public func allFinite(_ x: [Float]) -> Bool { allFinite(x[...]) }

    /// How far from the start the first value is that exceeds `limit`, looking from `start` on; nil
    /// where there is none.
    public func firstAbove(
        _ limit: Float,
        in x: ArraySlice<Float>,
        from start: Int = 0
    ) -> Int? {
        precondition(start >= 0 && start <= x.count, "\(start) is not among \(x.count) values")
        return unsafe x.withUnsafeBufferPointer { x in
            guard let first = x.baseAddress else { return nil }
            let found = unsafe table.first_above(first, start, x.count, limit)
            return found < x.count ? found : nil
        }
    }

    /// How far from the start the largest value is, the first of equal ones; 0 where there is none.
    public func largest(_ x: ArraySlice<Float>) -> Int {
        var best = 0
        // A random order has a new largest value a few times only.
        while best < x.count,
            let next = firstAbove(x[x.startIndex + best], in: x, from: best + 1)
        {
            best = next
        }
        return best
    }

    /// Sets every sum to zero, `count` of them.
    public func clear(_ sums: inout [Double], count: Int) {
        sums.resize(to: count, filler: 0)
        unsafe sums.withUnsafeMutableBytes { bytes in
            _ = unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0)
        }
    }
}
