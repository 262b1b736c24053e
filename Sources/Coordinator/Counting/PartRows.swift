/// Where the rows of each part of a step begin among all rows of the step.
///
/// Parts come in order in every layer, each with as many rows as in the first one. Keeps its
/// memory from step to step.
struct PartRows {
    /// `[part]`, as far as they have come.
    private var firstRows: [Int] = []
    private var nextRow = 0

    mutating func reserveCapacity(_ partCount: Int) { firstRows.reserveCapacity(partCount) }

    /// A step begins, or the same one anew.
    mutating func begin() {
        firstRows.removeAll(keepingCapacity: true)
        nextRow = 0
    }

    /// A part's rows go to a layer's experts; the first time, they follow those of the part before.
    mutating func start(_ part: Int, rowCount: Int) {
        guard part == firstRows.count else { return }
        firstRows.append(nextRow)
        nextRow += rowCount
    }

    /// Nil of a part that has not come.
    func first(of part: Int) -> Int? {
        firstRows.indices.contains(part) ? firstRows[part] : nil
    }
}
