import Model

/// What a runner was asked for, part by part, where the experts of one part at a time are looked
/// up and read.
struct PartTurns {
    private var batches: [Int: RoutedBatch] = [:]
    /// The part whose layer is begun; nil between layers.
    private var begun: Int?

    /// Keeps a batch until it is finished.
    ///
    /// - Returns: whether its layer is to be begun now; others' are when their turn comes.
    mutating func start(_ batch: RoutedBatch, of part: Int) -> Bool {
        batches[part] = batch
        guard begun == nil else { return false }
        begun = part
        return true
    }

    /// - Returns: the part's batch, and whether its layer was begun; where it was not, another's
    ///   may have been, which is to be settled first. Nil where it was not started.
    mutating func finish(_ part: Int) -> (batch: RoutedBatch, isBegun: Bool)? {
        guard let batch = batches.removeValue(forKey: part) else { return nil }
        defer { begun = nil }
        return (batch, begun == part)
    }

    /// Whether nothing is asked for that is not finished.
    var isEmpty: Bool { batches.isEmpty }

    mutating func cancel() {
        batches.removeAll(keepingCapacity: true)
        begun = nil
    }
}
