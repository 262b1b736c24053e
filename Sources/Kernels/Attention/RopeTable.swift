import CKernels

/// Which values of a head turn together.
public enum RotationKind: Sendable {
    /// Pairs (2i, 2i + 1): the format's NORM.
    case adjacent
    /// Pairs (i, i + rotaryWidth / 2): the format's NEOX.
    case halves
}

/// Cosines and sines of the angles by which rows of queries and keys turn.
public struct RopeTable: Sendable {
    /// `[pairCount]`: radians per position.
    public let frequencies: [Double]
    /// Factor on cosines and sines.
    public let magnitude: Float
    /// `[rows, pairCount]`.
    private(set) var cosines: [Float] = []
    private(set) var sines: [Float] = []

    public var pairCount: Int { frequencies.count }
    public var rowCount: Int { frequencies.isEmpty ? 0 : cosines.count / frequencies.count }

    /// A table without rows.
    public init(frequencies: [Double], magnitude: Float = 1) {
        self.frequencies = frequencies
        self.magnitude = magnitude
    }

    /// Replaces the rows by one for each of `positions`, in their order.
    public mutating func prepare(positions: [Int32]) {
        cosines.removeAll(keepingCapacity: true)
        sines.removeAll(keepingCapacity: true)
        for position in positions {
            for frequency in frequencies {
                var sine = 0.0
                var cosine = 0.0
                unsafe moiety_sincos(Double(position) * frequency, &sine, &cosine)
                cosines.append(Float(cosine) * magnitude)
                sines.append(Float(sine) * magnitude)
            }
        }
    }
}

extension Kernels {
    /// Turns the first `2 * table.pairCount` values of each head by the angles of its row.
    ///
    /// `x` is `[table.rowCount, heads * headWidth]`, turned in place; the table is prepared for the
    /// positions of its rows.
    public func rotate(
        _ x: inout [Float],
        heads: Int,
        headWidth: Int,
        kind: RotationKind,
        table rope: RopeTable
    ) {
        let pairs = rope.pairCount
        precondition(2 * pairs <= headWidth, "\(pairs) pairs do not fit heads of \(headWidth)")
        precondition(
            x.count == rope.rowCount * heads * headWidth,
            "\(x.count) values are not \(rope.rowCount) rows of \(heads) x \(headWidth)"
        )
        unsafe withPointers(rope.cosines, rope.sines, &x) { cosines, sines, x in
            for row in 0..<rope.rowCount {
                var rotation = unsafe moiety_rotation(
                    x: x.start + row * heads * headWidth,
                    heads: heads,
                    head_width: headWidth,
                    pairs: pairs,
                    cosines: cosines + row * pairs,
                    sines: sines + row * pairs,
                    halves: kind == .halves ? 1 : 0
                )
                unsafe table.rotate(&rotation)
            }
        }
    }
}
