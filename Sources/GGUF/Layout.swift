import Tensors

// Arithmetic that reader and writer share.

extension TensorInfo {
    /// Bytes of a tensor, or nil where a row is no whole number of blocks or the size does not fit.
    ///
    /// Multiplies step by step: a product that wraps, even to zero, must not pass for a size.
    static func byteCount(of type: ElementType, dimensions: [Int]) -> Int? {
        guard
            let columns = dimensions.first,
            var byteCount = type.rowByteCount(columns: columns)
        else { return nil }
        for dimension in dimensions.dropFirst() {
            let (product, overflow) = byteCount.multipliedReportingOverflow(by: dimension)
            guard !overflow else { return nil }
            byteCount = product
        }
        // Counts of values must fit as well: a block may have fewer bytes than values.
        var valueCount = 1
        for dimension in dimensions {
            let (product, overflow) = valueCount.multipliedReportingOverflow(by: dimension)
            guard !overflow else { return nil }
            valueCount = product
        }
        return byteCount
    }
}

extension GGUFFile {
    static func isValidAlignment(_ alignment: Int) -> Bool {
        alignment > 0 && alignment <= maximumAlignment && alignment & (alignment - 1) == 0
    }

    /// - Precondition: `alignment` is a power of two, and `count` far from the largest integer.
    static func roundUp(_ count: Int, to alignment: Int) -> Int {
        (count + alignment - 1) & ~(alignment - 1)
    }
}
