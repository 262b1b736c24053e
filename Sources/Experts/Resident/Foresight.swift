import Model

/// What the next layers are expected to choose, and how often that was right.
///
/// A layer is guessed several times, from ever nearer. Its latest guess says what is read ahead;
/// all are judged when it comes, which tells how far down a guess is worth reading. Keeps its
/// memory.
struct Foresight {
    /// Layers ahead that are guessed at most; 0 where nothing is.
    let depth: Int
    /// Guesses of a layer: from 0 to `depth` layers ahead.
    private let distances: Int
    /// Experts of each layer.
    private let expertCounts: [Int]
    /// The likeliest expert first, none where nothing was guessed;
    /// `[layer * distances + distance]`.
    private var guesses: [[Int]]
    /// The distance of each layer's latest guess; `[layer]`, -1 for none.
    private var latest: [Int]
    /// How often experts that were missing, and stood there in a guess, were chosen, as lately as
    /// they were judged; `[distance * places + place]`.
    private var shares: [Float]
    /// Places that are told apart: of a row's choice each, of longer guesses sixteen parts.
    private let places: Int
    /// How many of the latest guess were looked at; `[layer]`.
    private var seen: [Int]
    /// The nearest layer that has not come.
    private var next = 0
    private var choice: ChosenExperts

    /// What is wrong more than about once in three times is not read: where the disk is waited for,
    /// right ones come sooner without it.
    private static let leastShare: Float = 0.65
    /// What a new judgement counts.
    private static let rate: Float = 0.02
    private static let longGuessParts = 16
    /// Of longer guesses, as parts of their layers, nothing is read: prompts need nearly all
    /// experts anyway, and what comes early takes the place of who would be needed as soon.
    private static let longestGuess = 0.5

    /// - Parameter expertsPerRow: what a router chooses for each row.
    init(expertCounts: [Int], expertsPerRow: Int, depth: Int) {
        self.depth = depth
        distances = depth + 1
        self.expertCounts = expertCounts
        let most = expertCounts.max() ?? 0
        guesses = (0..<expertCounts.count * distances).map { _ in
            var guess: [Int] = []
            guess.reserveCapacity(depth > 0 ? most : 0)
            return guess
        }
        latest = Array(repeating: -1, count: expertCounts.count)
        seen = Array(repeating: 0, count: expertCounts.count)
        places = expertsPerRow + Self.longGuessParts
        shares = Array(repeating: 1, count: distances * places)
        choice = ChosenExperts(expertCount: most)
    }

    /// Where an expert of a guess stands among the places that are told apart.
    private func rank(_ position: Int, of count: Int) -> Int {
        let short = places - Self.longGuessParts
        return count <= short ? position : short + position * Self.longGuessParts / count
    }

    /// Takes a guess: what the layer's router would choose now.
    ///
    /// - Parameter distance: as `ExpertRunner.foresee` has it.
    mutating func guess(_ layer: LayerIndex, distance: Int, _ routing: Routing) {
        guard (0...depth).contains(distance), latest.indices.contains(layer.rawValue) else {
            return
        }
        if distance == 0 { next = layer.rawValue }
        choice.removeAll()
        for expert in routing.experts { choice.add(Int(expert)) }
        if choice.experts.count < routing.experts.count { choice.sort() }
        let place = layer.rawValue * distances + distance
        guesses[place].removeAll(keepingCapacity: true)
        guesses[place].append(contentsOf: choice.experts)
        latest[layer.rawValue] = distance
        let most = Int(Double(expertCounts[layer.rawValue]) * Self.longestGuess)
        seen[layer.rawValue] = choice.experts.count > most ? choice.experts.count : 0
    }

    /// Whether the guess that was taken last has an expert.
    func isInLastGuess(_ expert: Int) -> Bool { choice.contains(expert) }

    /// Calls `body` with each expert of a layer's latest guess.
    func forEach(in layer: LayerIndex, _ body: (ExpertID) -> Void) {
        guard latest.indices.contains(layer.rawValue), latest[layer.rawValue] >= 0 else { return }
        for expert in guesses[layer.rawValue * distances + latest[layer.rawValue]] {
            body(ExpertID(layer: layer, index: expert))
        }
    }

    /// The layer came: its guesses are judged and forgotten.
    ///
    /// - Parameter isMissing: whether an expert would have to be read now, were nothing read ahead.
    mutating func judge(
        _ walk: LayerWalk,
        _ figures: inout ResidencyFigures,
        isMissing: (ExpertID) -> Bool
    ) {
        let layer = walk.layer.rawValue
        guard depth > 0, latest.indices.contains(layer) else { return }
        next = layer + 1
        latest[layer] = -1
        for distance in 0..<distances {
            let count = guesses[layer * distances + distance].count
            for position in 0..<count {
                let expert = guesses[layer * distances + distance][position]
                let isRight = walk.contains(expert)
                figures.guesses[distance] += 1
                if isRight { figures.rightGuesses[distance] += 1 }
                guard isMissing(walk.id(expert)) else { continue }
                let place = distance * places + rank(position, of: count)
                shares[place] += ((isRight ? 1 : 0) - shares[place]) * Self.rate
            }
            guesses[layer * distances + distance].removeAll(keepingCapacity: true)
        }
    }

    /// The likeliest expert of the nearest layer that was not looked at, passes a test, and is
    /// likely enough to be chosen.
    mutating func nextExpert(where isWanted: (ExpertID) -> Bool) -> ExpertID? {
        for layer in latest.indices.dropFirst(next) where latest[layer] >= 0 {
            let guess = layer * distances + latest[layer]
            let count = guesses[guess].count
            while seen[layer] < count {
                let place = latest[layer] * places + rank(seen[layer], of: count)
                let id = ExpertID(layer: LayerIndex(layer), index: guesses[guess][seen[layer]])
                seen[layer] += 1
                if shares[place] >= Self.leastShare, isWanted(id) { return id }
            }
        }
        return nil
    }
}
