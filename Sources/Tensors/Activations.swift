/// Rows of activations on their way into products: plain f32, rounded to int8, or both.
///
/// Integer weights multiply the rounded form: int8 values in blocks of 32 with one f32 scale, so
/// that a value is `quants[i] * scales[i / 32]`. Float weights multiply the plain form. A batch
/// that crossed the network carries only the form its experts need.
public struct Activations: Equatable, Sendable {
    /// Values that share one scale.
    public static let blockLength = 32

    public private(set) var rowCount: Int
    /// Values per row.
    public let width: Int
    /// `[rowCount, width]`, or empty where only the rounded form is known.
    public var values: [Float]
    /// `[rowCount, width]`, or empty where the rows are not rounded.
    public var quants: [Int8]
    /// `[rowCount, width / 32]`, or empty where the rows are not rounded.
    public var scales: [Float]

    /// Rows of zeros in the plain form.
    public init(rowCount: Int, width: Int) {
        self.rowCount = rowCount
        self.width = width
        values = Array(repeating: 0, count: rowCount * width)
        quants = []
        scales = []
    }

    /// Plain rows.
    public init(values: [Float], width: Int) {
        precondition(width > 0 && values.count % width == 0)
        self.rowCount = values.count / width
        self.width = width
        self.values = values
        quants = []
        scales = []
    }

    /// Rounded rows, as they come from the network.
    public init(quants: [Int8], scales: [Float], width: Int) {
        precondition(width > 0 && width % Self.blockLength == 0 && quants.count % width == 0)
        precondition(scales.count * Self.blockLength == quants.count)
        self.rowCount = quants.count / width
        self.width = width
        values = []
        self.quants = quants
        self.scales = scales
    }

    public var hasValues: Bool { values.count == rowCount * width }
    public var hasQuants: Bool { quants.count == rowCount * width }

    /// Makes room for `rowCount` rows of the plain form and forgets the rounded one's length.
    ///
    /// Keeps its memory, so that a warmed-up forward pass allocates nothing.
    public mutating func resize(rowCount: Int) {
        self.rowCount = rowCount
        values.resize(to: rowCount * width, filler: 0)
        quants.removeAll(keepingCapacity: true)
        scales.removeAll(keepingCapacity: true)
    }
}

extension Array {
    /// Sets the count, keeping capacity and the leading elements.
    ///
    /// Inlinable because the generic form asks the runtime about every element.
    @inlinable
    public mutating func resize(to count: Int, filler: Element) {
        if count < self.count {
            removeLast(self.count - count)
        } else {
            reserveCapacity(count)
            append(contentsOf: repeatElement(filler, count: count - self.count))
        }
    }
}

extension Activations {
    /// Copies of some rows, in the order given and in the forms asked for.
    ///
    /// - Precondition: the rows exist and the forms are known.
    public func selecting(rows: [UInt32], values wantsValues: Bool, quants: Bool) -> Activations {
        precondition(!wantsValues || hasValues, "the plain form is not known")
        precondition(!quants || hasQuants, "the rounded form is not known")
        var selected = Activations(rowCount: 0, width: width)
        selected.rowCount = rows.count
        let blocks = width / Self.blockLength
        if wantsValues { selected.values.reserveCapacity(rows.count * width) }
        if quants {
            selected.quants.reserveCapacity(rows.count * width)
            selected.scales.reserveCapacity(rows.count * blocks)
        }
        for row in rows.lazy.map(Int.init) {
            if wantsValues { selected.values += values[row * width..<(row + 1) * width] }
            guard quants else { continue }
            selected.quants += self.quants[row * width..<(row + 1) * width]
            selected.scales += scales[row * blocks..<(row + 1) * blocks]
        }
        return selected
    }
}
