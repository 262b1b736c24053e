import CKernels
import Tensors

/// Rows on their way into a product, as pointers: the form that the weights' type asks for.
@unsafe struct Factors {
    var values: UnsafePointer<Float>
    var quants: UnsafePointer<Int8>
    var scales: UnsafePointer<Float>
    /// Sums of quants of whole and of half blocks.
    var sums: UnsafePointer<Int32>
    var halfSums: UnsafePointer<Int32>
    /// Which rows to multiply; nil for the first `rowCount`.
    var rows: UnsafePointer<Int32>?
    var rowCount: Int
}

extension Kernels {
    /// Lends the rows of `x`; sums of quants are made on the way where the type needs them.
    func withFactors(_ x: Activations, for type: ElementType, _ body: (Factors) -> Void) {
        precondition(
            type.isFloat ? x.hasValues : x.hasQuants,
            "\(type.name) weights need \(type.isFloat ? "plain" : "rounded") activations"
        )
        unsafe x.values.withUnsafeBufferPointer { values in
            unsafe x.quants.withUnsafeBufferPointer { quants in
                unsafe x.scales.withUnsafeBufferPointer { scales in
                    let sums = unsafe makeSums(quants)
                    unsafe body(
                        Factors(
                            values: values.baseAddress ?? Self.nothing(),
                            quants: quants.baseAddress ?? Self.nothing(),
                            scales: scales.baseAddress ?? Self.nothing(),
                            sums: sums.whole,
                            halfSums: sums.half,
                            rows: nil,
                            rowCount: x.rowCount
                        )
                    )
                }
            }
        }
    }

    private func makeSums(
        _ quants: UnsafeBufferPointer<Int8>
    ) -> (whole: UnsafePointer<Int32>, half: UnsafePointer<Int32>) {
        let whole = unsafe scratch.sums.pointer(count: quants.count / 32)
        let half = unsafe scratch.halfSums.pointer(count: quants.count / 16)
        if let start = quants.baseAddress {
            unsafe table.sums(whole, half, start, quants.count)
        }
        return unsafe (UnsafePointer(whole), UnsafePointer(half))
    }

    /// An address for a form that is absent and therefore not read.
    private static func nothing<Element>() -> UnsafePointer<Element> {
        guard let address = unsafe UnsafePointer<Element>(bitPattern: 64) else {
            preconditionFailure("64 is an address")
        }
        return unsafe address
    }
}
