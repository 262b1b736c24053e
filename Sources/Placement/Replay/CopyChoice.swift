/// Which copy of each expert computes, for one batch in one layer.
///
/// Keeps the busiest worker's time short. An expert costs its worker the reading of its weights,
/// which takes as long as `readingRows` rows, and its rows: so for few rows per expert the workers'
/// numbers of distinct experts count, for many their rows. First come the experts that only one
/// worker may compute, then the others, the largest first, each to the worker that is then least
/// busy; rows beyond a run go wherever they are least in the way. Last, experts are passed on along
/// paths that lead away from the busiest worker, which makes the choice the best there is where
/// each expert has one row. Ties go to the lower index, so the same batch is always split alike.
///
/// Steps and their replay ask it alike, so a plan is judged by what it would do. All memory is
/// taken when it is made, or when the largest batch came.
public struct CopyChoice: Equatable, Sendable {
    /// An expert's weights take as long to read as so many of its rows take to compute.
    static let readingRows = 16
    /// Rows of one expert that stay together; further ones may go to another copy.
    static let runLength = 32

    /// `[expert]`, its rows in this batch.
    private var rows: [Int]
    /// Experts of this batch, in the order in which they came.
    private var touched: [Int] = []
    /// Those that more than one worker may compute.
    private var flexible: [Int] = []
    /// `[expert]`, where its runs begin in `runs`.
    private var firstRun: [Int]
    /// `[expert]`, rows that `next` has given out.
    private var given: [Int]
    /// Who computes each run, -1 for nobody.
    private var runs: [Int] = []
    /// `[worker]`, what each got so far.
    private var loads: [Int]
    /// `[worker]`, by which expert and from whom a path came here; -1 where none did.
    private var via: [(expert: Int, from: Int)]
    private var queue: [Int] = []

    public init(expertCount: Int, workerCount: Int) {
        rows = Array(repeating: 0, count: expertCount)
        firstRun = rows
        given = rows
        loads = Array(repeating: 0, count: workerCount)
        via = Array(repeating: (-1, -1), count: workerCount)
        touched.reserveCapacity(expertCount)
        flexible.reserveCapacity(expertCount)
        queue.reserveCapacity(workerCount)
    }

    /// What lies in these tables between two batches says nothing.
    public static func == (left: Self, right: Self) -> Bool {
        left.rows.count == right.rows.count && left.loads.count == right.loads.count
    }

    /// Forgets the batch before.
    public mutating func begin() {
        for expert in touched {
            rows[expert] = 0
            given[expert] = 0
        }
        touched.removeAll(keepingCapacity: true)
        flexible.removeAll(keepingCapacity: true)
        runs.removeAll(keepingCapacity: true)
        for worker in loads.indices { loads[worker] = 0 }
    }

    /// Counts a row of an expert.
    public mutating func count(_ expert: Int) {
        precondition(
            rows.indices.contains(expert),
            "the plan has \(rows.count) experts at most, no expert \(expert)"
        )
        if rows[expert] == 0 { touched.append(expert) }
        rows[expert] += 1
    }

    /// Chooses for all rows that were counted.
    ///
    /// - Parameters:
    ///   - copies: `[expert]`, the workers that hold it, ascending.
    ///   - available: `[worker]`, whether it may be asked.
    public mutating func choose(among copies: [[Int]], available: [Bool]) {
        for expert in touched {
            firstRun[expert] = runs.count
            var only = -1
            var count = 0
            for worker in copies[expert] where available[worker] {
                only = worker
                count += 1
            }
            for _ in 0..<runCount(expert) { runs.append(count == 1 ? only : -1) }
            if count == 1 { loads[only] += Self.readingRows + rows[expert] }
            if count > 1 { insert(expert) }
        }
        for expert in flexible { deal(expert, among: copies[expert], available) }
        while relieve(among: copies, available) {}
    }

    /// Who computes the next row of an expert, or nil where nobody can.
    public mutating func next(_ expert: Int) -> Int? {
        let worker = runs[firstRun[expert] + given[expert] / Self.runLength]
        given[expert] += 1
        return worker < 0 ? nil : worker
    }

    /// `[worker]`, what they got; for tests.
    var costs: [Int] { loads }

    private func runCount(_ expert: Int) -> Int {
        (rows[expert] + Self.runLength - 1) / Self.runLength
    }

    /// Keeps `flexible` sorted: most rows first, then the lower index.
    private mutating func insert(_ expert: Int) {
        var place = flexible.count
        flexible.append(expert)
        while place > 0, isBefore(expert, flexible[place - 1]) {
            flexible[place] = flexible[place - 1]
            place -= 1
        }
        flexible[place] = expert
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        rows[left] != rows[right] ? rows[left] > rows[right] : left < right
    }

    /// Gives each run of an expert to the copy that is least busy with it.
    private mutating func deal(_ expert: Int, among copies: [Int], _ available: [Bool]) {
        let first = firstRun[expert]
        for run in 0..<runCount(expert) {
            let length = min(Self.runLength, rows[expert] - run * Self.runLength)
            var best = -1
            var bestLoad = Int.max
            for worker in copies where available[worker] {
                let isNew = !runs[first..<first + run].contains(worker)
                let load = loads[worker] + length + (isNew ? Self.readingRows : 0)
                if load < bestLoad { (best, bestLoad) = (worker, load) }
            }
            runs[first + run] = best
            loads[best] = bestLoad
        }
    }
}

// MARK: - Relieving the busiest

extension CopyChoice {
    /// Passes experts on along one path that leads away from the busiest worker.
    ///
    /// - Returns: whether that helped.
    private mutating func relieve(among copies: [[Int]], _ available: [Bool]) -> Bool {
        guard !flexible.isEmpty, let most = loads.max(),
            let busiest = loads.firstIndex(of: most)
        else { return false }
        for worker in via.indices { via[worker] = (-1, -1) }
        via[busiest] = (-1, busiest)
        queue.removeAll(keepingCapacity: true)
        queue.append(busiest)
        var place = 0
        while place < queue.count {
            let giver = queue[place]
            place += 1
            for expert in flexible where runCount(expert) == 1 && runs[firstRun[expert]] == giver {
                for taker in copies[expert] where available[taker] && via[taker].from < 0 {
                    via[taker] = (expert, giver)
                    if loads[taker] + cost(expert) < most { return passOn(to: taker, most) }
                    queue.append(taker)
                }
            }
        }
        return false
    }

    private func cost(_ expert: Int) -> Int { Self.readingRows + rows[expert] }

    /// Walks a path back from its end, and takes it only where no worker on it gets as busy as
    /// the busiest was: experts have different rows.
    private mutating func passOn(to end: Int, _ most: Int) -> Bool {
        var taker = end
        var isBetter = true
        var given = 0
        while via[taker].expert >= 0 {
            // On the way a worker takes one expert and gives another.
            let gain = cost(via[taker].expert)
            let load = loads[taker] + gain - given
            isBetter = isBetter && (load < most || (taker != end && load <= loads[taker]))
            given = gain
            taker = via[taker].from
        }
        guard isBetter else { return false }
        taker = end
        while via[taker].expert >= 0 {
            let (expert, giver) = via[taker]
            runs[firstRun[expert]] = taker
            loads[taker] += cost(expert)
            loads[giver] -= cost(expert)
            taker = giver
        }
        return true
    }
}
