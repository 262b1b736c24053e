import Model

/// What of one layer's experts is still to be computed, and where it is.
///
/// Refilled layer after layer; keeps its memory.
struct LayerWalk {
    /// Whether a layer was begun and is not done.
    private(set) var isOpen = false
    private(set) var layer = LayerIndex(0)
    /// In memory and held, to be computed.
    private var present: [Int] = []
    /// To be read, the first one last.
    private var absent: [Int] = []
    private var choice: ChosenExperts

    init(expertCount: Int) {
        choice = ChosenExperts(expertCount: expertCount)
        present.reserveCapacity(expertCount)
        absent.reserveCapacity(expertCount)
    }

    func id(_ expert: Int) -> ExpertID { ExpertID(layer: layer, index: expert) }

    /// Each once; those that most rows want first, where some want the same.
    var chosen: [Int] { choice.experts }

    func contains(_ expert: Int) -> Bool { choice.contains(expert) }

    mutating func begin(_ layer: LayerIndex, _ pairs: [ExpertArithmetic.Pair]) {
        end()
        isOpen = true
        self.layer = layer
        for pair in pairs { choice.add(pair.expert) }
        if choice.experts.count < pairs.count { choice.sort() }
    }

    mutating func end() {
        isOpen = false
        choice.removeAll()
        present.removeAll(keepingCapacity: true)
        absent.removeAll(keepingCapacity: true)
    }

    mutating func addPresent(_ expert: Int) { present.append(expert) }

    /// Says that an expert must be read, before those that were said so already.
    mutating func addAbsent(_ expert: Int) { absent.append(expert) }

    var nextAbsent: Int? { absent.last }

    mutating func takeAbsent() { absent.removeLast() }

    /// Takes some that are in memory.
    mutating func takePresent(_ count: Int, into piece: inout [Int]) {
        piece.append(contentsOf: present.suffix(count))
        present.removeLast(min(count, present.count))
    }
}
