import Model

/// Some of all steps so far, newer ones more likely than older ones.
///
/// A step that is taken replaces a random one. At first every step so far is as likely to be there
/// as any other; once so many came that the half-life counts, the probability falls by half with
/// every half-life of rows. Steps are taken with the same probability however many rows they have:
/// a mean over the sample is one over the steps.
struct StepSample: Sendable {
    private let capacity: Int
    private let halfLife: Double
    private var random: SeededRandom
    private var places: [Place] = []
    /// Steps offered so far.
    private var stepCount = 0
    /// Rows of a step, a moving average.
    private var meanRows = 0.0
    /// Where the step under way goes; nil where it is not wanted.
    private var chosen: Int?

    private struct Place {
        var number: Int
        var rowCount: Int
        var experts: [UInt16]
    }

    init(capacity: Int, halfLife: Double, seed: UInt64) {
        self.capacity = capacity
        self.halfLife = halfLife
        random = SeededRandom(seed: seed)
        places.reserveCapacity(capacity)
    }

    /// Whether the step that begins should be kept.
    mutating func wants(rowCount: Int) -> Bool {
        stepCount += 1
        meanRows += (Double(rowCount) - meanRows) / Double(min(stepCount, Self.averagedSteps))
        chosen = nil
        guard places.count == capacity else {
            chosen = places.count
            return true
        }
        let forgetting = Self.halving * max(1, meanRows) / halfLife
        let probability = Double(capacity) * max(1 / Double(stepCount), forgetting)
        guard random.unit() < probability else { return false }
        chosen = Int(random.next() % UInt64(capacity))
        return true
    }

    /// Keeps the step if it was wanted; `experts` then holds memory of the one that it replaces.
    mutating func take(_ experts: inout [UInt16], rowCount: Int) {
        guard let chosen else { return }
        self.chosen = nil
        if chosen == places.count {
            places.append(Place(number: stepCount, rowCount: rowCount, experts: experts))
        } else {
            places[chosen].number = stepCount
            places[chosen].rowCount = rowCount
            swap(&places[chosen].experts, &experts)
        }
    }

    var count: Int { places.count }

    /// The oldest first, each by itself.
    var steps: [RecordedSteps] {
        places.sorted { $0.number < $1.number }.map { place in
            RecordedSteps(rowCounts: [UInt32(clamping: place.rowCount)], experts: place.experts)
        }
    }

    /// What the next life needs to go on.
    var kept: KeptCounts.Steps {
        KeptCounts.Steps(samples: steps, stepCount: stepCount, meanRows: meanRows)
    }

    /// Goes on where a former life ended; the newest of its steps stay where there is less room.
    ///
    /// - Precondition: nothing was offered yet.
    mutating func take(_ kept: KeptCounts.Steps) {
        precondition(stepCount == 0, "\(stepCount) steps were offered already")
        for (index, step) in kept.samples.suffix(capacity).enumerated() {
            let rowCount = step.rowCounts.reduce(0) { $0 + Int($1) }
            places.append(Place(number: index + 1, rowCount: rowCount, experts: step.experts))
        }
        stepCount = max(kept.stepCount, places.count)
        meanRows = kept.meanRows
    }

    /// The natural logarithm of 2.
    private static let halving = 0.693_147_180_559_945_3
    /// Steps over which rows are averaged.
    private static let averagedSteps = 256
}
