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

    /// Takes a part's batch, whose layer is begun then.
    ///
    /// - Parameters:
    ///   - settle: ends another part's layer, if one was begun.
    ///   - begin: begins this part's.
    /// - Returns: nil where it was not started.
    mutating func finish(
        _ part: Int,
        settle: () -> Void,
        begin: (RoutedBatch) -> Void
    ) -> RoutedBatch? {
        guard let batch = batches.removeValue(forKey: part) else { return nil }
        if begun != part {
            settle()
            begin(batch)
        }
        begun = nil
        return batch
    }

    /// Whether nothing is asked for that is not finished.
    var isEmpty: Bool { batches.isEmpty }

    mutating func cancel() {
        batches.removeAll(keepingCapacity: true)
        begun = nil
    }
}
