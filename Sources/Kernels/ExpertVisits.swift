public import Tensors

/// Experts and the rows that chose them: what one call of `feedForward` computes.
///
/// Refilled batch after batch; keeps its memory.
public struct ExpertVisits: Sendable {
    /// An expert and its visits.
    public struct Group: Sendable {
        /// `[width, hidden]`.
        public let gate: WeightMatrix
        public let up: WeightMatrix
        /// `[hidden, width]`.
        public let down: WeightMatrix
        /// Indices into the rows and weights.
        public let visits: Range<Int>
        /// Where its values between the products start, counted over all groups.
        let innerStart: Int

        /// Width of the expert.
        var width: Int { gate.rowCount }
        /// Values between the two products.
        var innerCount: Int { visits.count * width }
        var innerEnd: Int { innerStart + innerCount }
    }

    public private(set) var groups: [Group] = []
    /// Which rows of the activations, group after group.
    public private(set) var rows: [Int32] = []
    /// How much each visit takes of the expert's output.
    public private(set) var weights: [Float] = []

    public init() {}

    /// Adds a visit of the expert that is added next.
    public mutating func add(row: Int32, weight: Float) {
        rows.append(row)
        weights.append(weight)
    }

    /// Adds an expert, which the visits since the last one belong to.
    ///
    /// - Precondition: the matrices fit each other.
    public mutating func addExpert(gate: WeightMatrix, up: WeightMatrix, down: WeightMatrix) {
        precondition(gate.rowCount == up.rowCount && gate.columnCount == up.columnCount)
        precondition(gate.rowCount == down.columnCount)
        precondition(gate.type.isFloat == up.type.isFloat, "gate and up take different rows")
        groups.append(
            Group(
                gate: gate,
                up: up,
                down: down,
                visits: (groups.last?.visits.upperBound ?? 0)..<rows.count,
                innerStart: groups.last?.innerEnd ?? 0
            )
        )
    }

    /// Forgets all, keeping its memory.
    public mutating func removeAll() {
        groups.removeAll(keepingCapacity: true)
        rows.removeAll(keepingCapacity: true)
        weights.removeAll(keepingCapacity: true)
    }

    /// Lends the rows and weights; does nothing where there are none.
    func withPointers(_ body: (UnsafePointer<Int32>, UnsafePointer<Float>) -> Void) {
        unsafe rows.withUnsafeBufferPointer { rows in
            unsafe weights.withUnsafeBufferPointer { weights in
                guard let rows = rows.baseAddress, let weights = weights.baseAddress
                else { return }
                unsafe body(rows, weights)
            }
        }
    }
}
