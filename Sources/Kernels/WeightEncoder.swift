import CKernels
public import Tensors

/// Rounds weights to fewer bits, so that they come as near to what they were as a search finds.
///
/// The same bits on every machine. Any number of threads may use one at once.
public struct WeightEncoder: Sendable {
    /// What it rounds to.
    public let type: ElementType
    private let instructionSet: InstructionSet

    /// What weights can be rounded to.
    public static let types: [ElementType] = [.q4_0, .q4_K, .q3_K, .q2_K]

    /// - Precondition: `types` has the type, and this processor supports the instruction set.
    public init(to type: ElementType, instructionSet: InstructionSet = .detected) {
        precondition(Self.types.contains(type), "nothing rounds to \(type.name)")
        precondition(instructionSet.isSupported)
        self.type = type
        self.instructionSet = instructionSet
    }

    /// Rows that are encoded before they are put in place.
    private static let stepRows = WeightMatrix.panelLength

    /// Blocks of the values.
    ///
    /// - Parameters:
    ///   - values: whole blocks.
    ///   - importance: how much the square of each value's error counts, not negative; nil where
    ///     nothing is known, and larger weights count more.
    /// - Throws: `NotFinite`, naming the first value or importance that is no finite number.
    public func encode(
        _ values: [Float],
        importance: [Float]? = nil
    ) throws(NotFinite) -> [UInt8] {
        precondition(values.count % type.blockLength == 0, "\(values.count) values")
        precondition(importance == nil || importance?.count == values.count)
        try NotFinite.check(values)
        try importance.map(NotFinite.check)
        let blocks = values.count / type.blockLength
        guard blocks > 0 else { return [] }
        return unsafe Array(unsafeUninitializedCapacity: blocks * type.blockByteCount) {
            bytes,
            count in
            count = blocks * type.blockByteCount
            guard let target = bytes.baseAddress else { return }
            unsafe values.withUnsafeBufferPointer { values in
                guard let values = values.baseAddress else { return }
                unsafe encode(values, importance, blocks * type.blockLength, target)
            }
        }
    }

    private func encode(
        _ values: UnsafePointer<Float>,
        _ importance: [Float]?,
        _ count: Int,
        _ target: UnsafeMutablePointer<UInt8>
    ) {
        let table = instructionSet.table
        guard let importance else {
            return unsafe table.encode(target, values, nil, count, type.rawValue)
        }
        unsafe importance.withUnsafeBufferPointer { importance in
            unsafe table.encode(target, values, importance.baseAddress, count, type.rawValue)
        }
    }

    /// Rounds rows of a matrix as a file has them, and puts them where products want them.
    ///
    /// - Parameters:
    ///   - rows: which rows of the matrix they are.
    ///   - matrix: which of the writer's matrices, of this encoder's type.
    ///   - weights: the rows' bytes, one after the other.
    ///   - stored: what the file's matrix is; its weights are finite.
    ///   - inputs: how large the numbers are that each column is multiplied with, 0 to 1: the
    ///     square of a weight's error counts by that and by the weight's magnitude. Nil where
    ///     nothing is known, which is the same as all alike.
    public func write(
        _ rows: Range<Int>,
        of matrix: Int,
        _ weights: RawSpan,
        stored: MatrixShape,
        inputs: [Float]? = nil,
        to writer: WeightWriter
    ) {
        let columns = stored.columnCount
        precondition(weights.byteCount == rows.count * stored.rowByteCount)
        precondition(inputs == nil || inputs?.count == columns)
        guard let rowByteCount = type.rowByteCount(columns: columns) else {
            preconditionFailure("rows of \(columns) have no whole blocks of \(type.name)")
        }
        let table = instructionSet.table
        let step = Self.stepRows
        var importance = inputs
        unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: columns) { values in
            unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: step * rowByteCount) {
                encoded in
                guard let values = values.baseAddress, let target = encoded.baseAddress else {
                    return
                }
                for first in stride(from: rows.lowerBound, to: rows.upperBound, by: step) {
                    let count = min(step, rows.upperBound - first)
                    for row in 0..<count {
                        let start = (first - rows.lowerBound + row) * stored.rowByteCount
                        let bytes = weights.extracting(start..<start + stored.rowByteCount)
                        unsafe bytes.withUnsafeBytes { bytes in
                            guard let bytes = bytes.baseAddress else { return }
                            unsafe table.dequantize(
                                values,
                                bytes.assumingMemoryBound(to: UInt8.self),
                                columns,
                                stored.type.rawValue
                            )
                        }
                        if let inputs {
                            unsafe weigh(values, inputs, into: &importance)
                        }
                        unsafe encode(values, importance, columns, target + row * rowByteCount)
                    }
                    let made = unsafe UnsafeRawBufferPointer(
                        start: target,
                        count: count * rowByteCount
                    )
                    unsafe writer.write(first..<first + count, of: matrix, made.bytes)
                }
            }
        }
    }
}

extension WeightEncoder {
    /// How much each weight of a row moves its output.
    ///
    /// Small weights count, too: zeros are to stay near zero.
    private func weigh(
        _ values: UnsafePointer<Float>,
        _ inputs: [Float],
        into importance: inout [Float]?
    ) {
        for start in stride(from: 0, to: inputs.count, by: type.blockLength) {
            let block = start..<start + type.blockLength
            var largest: Float = 0
            for column in block { largest = unsafe max(largest, abs(values[column])) }
            for column in block {
                let magnitude = unsafe max(abs(values[column]), largest / 64)
                importance?[column] = inputs[column] * magnitude
            }
        }
    }
}

/// A number that cannot be rounded to fewer bits.
public struct NotFinite: Error, Equatable, CustomStringConvertible {
    /// Its place among those given.
    public let place: Int

    public init(place: Int) { self.place = place }

    public var description: String { "value \(place) is infinite or no number" }

    fileprivate static func check(_ values: [Float]) throws(NotFinite) {
        guard let place = values.firstIndex(where: { !$0.isFinite }) else { return }
        throw NotFinite(place: place)
    }
}
