import Tensors

/// The bytes of a header, little-endian.
struct HeaderEncoder {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ piece: [UInt8]) { bytes.append(contentsOf: piece) }

    mutating func append(_ integer: some FixedWidthInteger) {
        for byte in 0..<integer.bitWidth / 8 {
            bytes.append(UInt8(truncatingIfNeeded: integer >> (8 * byte)))
        }
    }

    mutating func append(text: String) { append(string: Array(text.utf8)) }

    mutating func append(string: [UInt8]) {
        append(UInt64(string.count))
        append(string)
    }

    mutating func append(_ tensor: GGUFWriter.Tensor, offset: Int) {
        append(text: tensor.name)
        append(UInt32(tensor.dimensions.count))
        for dimension in tensor.dimensions { append(UInt64(dimension)) }
        append(tensor.type.rawValue)
        append(UInt64(offset))
    }

    /// A value's type and content.
    mutating func append(_ value: GGUFValue) {
        append(value.type.rawValue)
        switch value {
        case .uint8(let value): append(value)
        case .int8(let value): append(value)
        case .uint16(let value): append(value)
        case .int16(let value): append(value)
        case .uint32(let value): append(value)
        case .int32(let value): append(value)
        case .uint64(let value): append(value)
        case .int64(let value): append(value)
        case .float32(let value): append(value.bitPattern)
        case .float64(let value): append(value.bitPattern)
        case .bool(let value): append(UInt8(value ? 1 : 0))
        case .string(let value): append(string: value)
        case .array(let value): append(value)
        }
    }

    private mutating func append(_ array: GGUFArray) {
        append(array.elementType.rawValue)
        append(UInt64(array.count))
        switch array {
        case .uint8(let values): append(values)
        case .int8(let values): append(integers: values)
        case .uint16(let values): append(integers: values)
        case .int16(let values): append(integers: values)
        case .uint32(let values): append(integers: values)
        case .int32(let values): append(integers: values)
        case .uint64(let values): append(integers: values)
        case .int64(let values): append(integers: values)
        case .float32(let values): append(integers: values.map(\.bitPattern))
        case .float64(let values): append(integers: values.map(\.bitPattern))
        case .bool(let values): append(values.map { $0 ? 1 : 0 })
        case .strings(let values): for value in values { append(string: value) }
        }
    }

    private mutating func append(integers: [some FixedWidthInteger]) {
        for integer in integers { append(integer) }
    }
}
