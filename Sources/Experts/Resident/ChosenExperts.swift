/// The experts of one layer that some rows chose, each once.
///
/// Filled again and again; keeps its memory.
struct ChosenExperts {
    /// Rows that chose each; `[expert]`.
    private var rowCounts: [Int]
    /// In order of their first row, unless they were sorted.
    private(set) var experts: [Int] = []

    init(expertCount: Int) {
        rowCounts = Array(repeating: 0, count: expertCount)
        experts.reserveCapacity(expertCount)
    }

    func contains(_ expert: Int) -> Bool { rowCounts[expert] > 0 }

    mutating func add(_ expert: Int) {
        if rowCounts[expert] == 0 { experts.append(expert) }
        rowCounts[expert] += 1
    }

    /// Puts those first that most rows chose; equal ones by the lower expert.
    mutating func sort() {
        let counts = rowCounts
        experts.sort { (-counts[$0], $0) < (-counts[$1], $1) }
    }

    mutating func removeAll() {
        for expert in experts { rowCounts[expert] = 0 }
        experts.removeAll(keepingCapacity: true)
    }
}
