extension ExpertSlots {
    /// Takes what the next layers' routers are expected to choose, and says what to load ahead.
    ///
    /// All of it is expected from now on. Layers are walked from the nearest on, as in HOBBIT:
    /// where one lacks experts these are loaded, and the walk ends, because what lies behind is
    /// less certain and can wait until they are here.
    ///
    /// - Parameters:
    ///   - predicted: needs of the next layers, the nearest first.
    ///   - missing: memory for the answer.
    public mutating func foresee(
        _ predicted: [[ExpertDemand.Need]],
        missing: inout [ExpertDemand.Need]
    ) {
        missing.removeAll(keepingCapacity: true)
        for layer in predicted {
            for need in layer { expect(need.expert) }
        }
        for layer in predicted {
            for need in layer where numbering.number(of: need.expert) != nil {
                if tier(meeting: need) == nil { missing.append(need) }
            }
            guard missing.isEmpty else { return }
        }
    }
}
