import Model

/// What of one layer's experts is still to be computed, and where it is.
///
/// Refilled layer after layer; keeps its memory.
struct LayerWalk {
    /// The part of the step whose experts these are; nil between layers.
    private(set) var part: Int?
    private(set) var layer = LayerIndex(0)
    /// In memory and held, to be computed.
    private(set) var present: [Int] = []
    /// To be read, the first one last.
    private(set) var absent: [Int] = []
    /// Rows that chose each; `[expert]`, 0 outside of `chosen`.
    private var rowCounts: [Int]
    /// Each once, in order of their first row.
    private(set) var chosen: [Int] = []

    init(expertCount: Int) {
        rowCounts = Array(repeating: 0, count: expertCount)
        chosen.reserveCapacity(expertCount)
        present.reserveCapacity(expertCount)
        absent.reserveCapacity(expertCount)
    }

    func id(_ expert: Int) -> ExpertID { ExpertID(layer: layer, index: expert) }

    mutating func begin(_ part: Int, layer: LayerIndex, _ routing: Routing) {
        end()
        self.part = part
        self.layer = layer
        for expert in routing.experts {
            if rowCounts[Int(expert)] == 0 { chosen.append(Int(expert)) }
            rowCounts[Int(expert)] += 1
        }
        // Those that stay, where not all can, are the ones that most rows want.
        guard routing.rowCount > 1 else { return }
        let counts = rowCounts
        chosen.sort { (-counts[$0], $0) < (-counts[$1], $1) }
    }

    mutating func end() {
        part = nil
        for expert in chosen { rowCounts[expert] = 0 }
        chosen.removeAll(keepingCapacity: true)
        present.removeAll(keepingCapacity: true)
        absent.removeAll(keepingCapacity: true)
    }

    /// Says where the chosen ones are, each once.
    mutating func add(_ expert: Int, isPresent: Bool) {
        isPresent ? present.append(expert) : absent.append(expert)
    }

    /// The first absent one comes first out.
    mutating func turn() { absent.reverse() }

    var nextAbsent: Int? { absent.last }

    mutating func takeAbsent() { absent.removeLast() }

    /// Takes some that are in memory.
    mutating func takePresent(_ count: Int, into piece: inout [Int]) {
        piece.append(contentsOf: present.suffix(count))
        present.removeLast(min(count, present.count))
    }
}
