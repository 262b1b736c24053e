import CKernels
public import Tensors

/// Whether a product of float weights may give up its fixed order of summation.
public enum ProductOrder: Sendable {
    /// Large products with float weights may go through OpenBLAS, whose order of summation depends
    /// on the shape: rows equal their product alone only within rounding.
    case fast
    /// The same bits whatever the shape: what routers need.
    case fixed
}

extension Kernels {
    /// `y = x · wᵀ`.
    ///
    /// Integer weights, which lie in panels, multiply the rounded form of `x`, float weights the
    /// plain one. Outputs are shared among the threads. `y` is `[x.rowCount, w.rowCount]`,
    /// overwritten.
    public func multiply(
        _ w: WeightMatrix,
        _ x: Activations,
        into y: inout [Float],
        order: ProductOrder = .fast
    ) {
        precondition(Self.supports(w.type), "no products with \(w.type.name) weights")
        precondition(
            x.width == w.columnCount,
            "rows of \(x.width) values cannot multiply \(w.columnCount) columns"
        )
        precondition(
            y.count == x.rowCount * w.rowCount,
            "\(y.count) outputs are not \(x.rowCount) x \(w.rowCount)"
        )
        guard x.rowCount > 0 else { return }
        exclusively {
            unsafe withFactors(x, for: w.type) { factors in
                unsafe y.withUnsafeMutableBufferPointer { y in
                    guard let start = y.baseAddress else { return }
                    if Self.suitsBLAS(w, rowCount: x.rowCount, order: order) {
                        unsafe multiplyByBLAS(factors, LentMatrix(w), into: start)
                    } else {
                        unsafe multiply(factors, LentMatrix(w), into: start)
                    }
                }
            }
        }
    }

    private func multiply(_ x: Factors, _ w: LentMatrix, into y: UnsafeMutablePointer<Float>) {
        let slices = unsafe Slices(
            outputs: w.rowCount,
            operations: x.rowCount * w.rowCount * w.columns.count,
            threadCount: threadCount
        )
        let state = unsafe (table: table, x: x, w: w, y: y, slices: slices)
        unsafe pool.run(slices.count, with: state) { state, index in
            let (table, x, w, y, slices) = unsafe state
            let outputs = slices[index]
            unsafe table.multiply(x, w, outputs, into: y + outputs.lowerBound, stride: w.rowCount)
        }
    }
}
