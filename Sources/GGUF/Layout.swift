import Tensors

// Arithmetic that reader and writer share.

extension TensorInfo {
    /// Bytes of a tensor of these dimensions.
    ///
    /// Multiplies step by step: a product that wraps, even to zero, must not pass for a size.
    static func checkedByteCount(
        of type: ElementType,
        dimensions: [Int]
    ) throws(GGUFError.Problem) -> Int {
        guard let columns = dimensions.first, dimensions.count <= 4 else {
            throw .badDimensionCount(UInt32(clamping: dimensions.count))
        }
        if let index = dimensions.firstIndex(where: { $0 <= 0 }) {
            throw .badDimension(index: index, value: UInt64(bitPattern: Int64(dimensions[index])))
        }
        guard columns % type.blockLength == 0 else {
            throw .unevenRow(columns: columns, type: type)
        }
        // Values are counted too: a block may have fewer bytes than values.
        guard
            product(dimensions) != nil,
            let rowByteCount = type.rowByteCount(columns: columns),
            let byteCount = product([rowByteCount] + dimensions.dropFirst())
        else { throw .tooManyValues }
        return byteCount
    }

    private static func product(_ factors: [Int]) -> Int? {
        var result = 1
        for factor in factors {
            let (product, overflow) = result.multipliedReportingOverflow(by: factor)
            guard !overflow else { return nil }
            result = product
        }
        return result
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
