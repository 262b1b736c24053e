/// Lets layers exchange room: one expert goes from worker a to b in one layer, another from b to a
/// in a second layer, where both together shorten the step.
///
/// This is how a layer with one very hot expert gets a worker for that one alone though every
/// worker's memory is full.
struct RoomExchange {
    private let byteCounts: [Int]
    private var searches: [LayerSearch]
    private let layers: [Int]
    private(set) var owners: [[Int]]
    private var free: [Int]
    private let workerCount: Int
    /// The best single move of each layer from a to b; `[place][a * workers + b]`.
    private var moves: [[SingleMove?]]

    private struct SingleMove {
        let expert: Int
        let change: Double
    }

    init(
        _ problem: PlacementProblem,
        _ steps: RoutingTrace,
        _ costs: [WorkerCosts],
        owners: [[Int]],
        free: [Int]
    ) {
        layers = owners.indices.filter { !owners[$0].isEmpty }
        searches = layers.map { layer in
            LayerSearch(steps, layer: layer, costs: costs, owners: owners[layer])
        }
        byteCounts = problem.expertByteCounts
        workerCount = costs.count
        moves = []
        self.owners = owners
        self.free = free
    }

    private var work: Int { searches.reduce(0) { $0 + $1.work } }

    mutating func run(work limit: Int) {
        let start = work
        for place in layers.indices {
            moves.append(singleMoves(place))
            if work - start > limit { return }
        }
        while work - start <= limit, let pair = bestPair() {
            apply(pair.first)
            apply(pair.second)
            for place in Set([pair.first.place, pair.second.place]).sorted() {
                moves[place] = singleMoves(place)
            }
        }
    }

    private mutating func singleMoves(_ place: Int) -> [SingleMove?] {
        var best = Array<SingleMove?>(repeating: nil, count: workerCount * workerCount)
        for expert in owners[layers[place]].indices {
            let old = searches[place].owners[expert]
            var change = 0.0
            for worker in 0..<workerCount where worker != old {
                // From the worker before, so that changes add up to that from the first.
                change += searches[place].move(expert, to: worker)
                let slot = old * workerCount + worker
                if change < best[slot]?.change ?? .infinity {
                    best[slot] = SingleMove(expert: expert, change: change)
                }
            }
            searches[place].move(expert, to: old)
        }
        return best
    }

    private struct Choice {
        let place: Int
        let expert: Int
        let to: Int
    }

    /// The two moves, of two layers, that shorten the step most and leave everything fitting.
    private func bestPair() -> (first: Choice, second: Choice)? {
        var best: (first: Choice, second: Choice)?
        var least = -1e-9 * searches.reduce(0) { $0 + $1.total }
        for a in 0..<workerCount {
            for b in a + 1..<max(a + 1, workerCount) {
                let there = ranked(a, b)
                let back = ranked(b, a)
                for one in there {
                    for other in back where other.choice.place != one.choice.place {
                        guard one.change + other.change < least else { break }
                        guard fits(one.choice, from: a, other.choice, from: b) else { continue }
                        least = one.change + other.change
                        best = (one.choice, other.choice)
                    }
                }
            }
        }
        return best
    }

    /// Each layer's best move from a to b, best first; a few suffice.
    private func ranked(_ a: Int, _ b: Int) -> [(choice: Choice, change: Double)] {
        let all = moves.indices.compactMap { place in
            moves[place][a * workerCount + b].map { move in
                (Choice(place: place, expert: move.expert, to: b), move.change)
            }
        }
        return all.sorted { ($0.1, $0.0.place) < ($1.1, $1.0.place) }.prefix(4).map {
            (choice: $0.0, change: $0.1)
        }
    }

    private func fits(_ one: Choice, from a: Int, _ other: Choice, from b: Int) -> Bool {
        let out = byteCounts[layers[one.place]]
        let back = byteCounts[layers[other.place]]
        return free[a] + out - back >= 0 && free[b] - out + back >= 0
    }

    private mutating func apply(_ choice: Choice) {
        let layer = layers[choice.place]
        let old = owners[layer][choice.expert]
        searches[choice.place].move(choice.expert, to: choice.to)
        owners[layer][choice.expert] = choice.to
        free[old] += byteCounts[layer]
        free[choice.to] -= byteCounts[layer]
    }
}
