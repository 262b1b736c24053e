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
                        unsafe multiplyByBLAS(factors, w, into: start)
                    } else {
                        unsafe multiply(factors, w, into: start)
                    }
                }
            }
        }
    }

    private func multiply(_ x: Factors, _ w: WeightMatrix, into y: UnsafeMutablePointer<Float>) {
        let slices = Slices(
            outputs: w.rowCount,
            operations: unsafe x.rowCount * w.rowCount * w.columnCount,
            threadCount: threadCount
        )
        let state = unsafe (kernels: self, x: x, w: w, y: y, slices: slices)
        unsafe pool.run(slices.count, with: state) { state, index in
            let (kernels, x, w, y, slices) = unsafe state
            let outputs = slices[index]
            unsafe kernels.multiply(x, w, outputs, into: y + outputs.lowerBound, stride: w.rowCount)
        }
    }

    /// The outputs of a slice for all rows of `x`, on this thread; `y` starts at the slice.
    ///
    /// - Parameter next: weights whose same outputs this thread reads next; they are fetched while
    ///   the last of these are multiplied.
    func multiply(
        _ x: Factors,
        _ w: WeightMatrix,
        _ outputs: Range<Int>,
        into y: UnsafeMutablePointer<Float>,
        stride: Int,
        next: WeightMatrix? = nil
    ) {
        if w.type.isFloat {
            unsafe w.withRows(from: outputs.lowerBound) { weights in
                var product = unsafe moiety_float_product(
                    y: y,
                    y_stride: stride,
                    x: x.values,
                    rows: x.rows,
                    row_count: x.rowCount,
                    weights: weights,
                    row_bytes: w.rowByteCount,
                    output_count: outputs.count,
                    columns: w.columnCount,
                    type: w.type.rawValue
                )
                unsafe table.float_product(&product)
            }
        } else {
            unsafe w.withPanels(from: outputs.lowerBound) { weights in
                var product = unsafe moiety_integer_product(
                    y: y,
                    y_stride: stride,
                    quants: x.quants,
                    scales: x.scales,
                    sums: x.sums,
                    half_sums: x.halfSums,
                    rows: x.rows,
                    row_count: x.rowCount,
                    weights: weights,
                    row_bytes: w.rowByteCount,
                    output_count: outputs.count,
                    columns: w.shape.unitColumns,
                    type: w.type.rawValue,
                    next: nil
                )
                if let next, next.layout == .panels {
                    unsafe next.withPanels(from: outputs.lowerBound) { start in
                        unsafe product.next = start
                    }
                }
                unsafe table.integer_product(&product)
            }
        }
    }
}
