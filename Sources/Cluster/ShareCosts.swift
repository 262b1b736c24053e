public import Placement

/// What shares cost each worker, as measured while they are answered; older ones count less.
///
/// Computing is taken to be linear in distinct experts and pairs, the rest of a share's time in
/// its rows: the straight lines of least squares. A machine that is busy with something else for a
/// moment must not bend them, so what takes a multiple of the usual time counts as that multiple.
/// Counting takes a few multiplications and no memory once every worker has answered.
public struct ShareCosts: Hashable, Sendable {
    /// One share that was answered.
    public struct Answer: Hashable, Sendable {
        /// Distinct ones.
        public var experts: Int
        /// Rows of experts.
        public var pairs: Int
        /// Rows that travelled.
        public var rows: Int
        /// As the worker says.
        public var computing: Duration
        /// From sending until the answer was there, without computing.
        public var travelling: Duration

        public init(
            experts: Int,
            pairs: Int,
            rows: Int,
            computing: Duration,
            travelling: Duration
        ) {
            self.experts = experts
            self.pairs = pairs
            self.rows = rows
            self.computing = computing
            self.travelling = travelling
        }
    }

    private var workers: [Worker] = []

    private struct Worker: Hashable {
        let name: WorkerName
        var sums = Sums()
        var usual = UsualTimes()

        mutating func count(_ answer: Answer, keeping: Double) {
            guard let answer = usual.admit(answer) else { return }
            sums.add(answer, keeping: sums.count > 0 ? keeping : 1)
        }
    }

    /// Of this many shares later ones, an answer counts 1 / e.
    private static let memory = 4096.0
    /// Fewer answers say nothing.
    private static let leastAnswers = 32.0

    public init() {}

    public mutating func count(_ answer: Answer, of name: WorkerName) {
        guard answer.experts > 0, answer.rows > 0 else { return }
        if let index = workers.firstIndex(where: { $0.name == name }) {
            workers[index].count(answer, keeping: 1 - 1 / Self.memory)
        } else {
            workers.append(Worker(name: name))
            workers[workers.count - 1].count(answer, keeping: 1)
        }
    }

    /// Forgets those who are in no plan any more.
    public mutating func keep(_ names: [WorkerName]) {
        workers.removeAll { !names.contains($0.name) }
    }

    /// Prices for replays, and workers as they differ by them; nil where too little was measured.
    ///
    /// - Parameters:
    ///   - names: whose descriptions are wanted; one that was not measured is as good as the mean.
    ///   - rowByteCount: bytes of a row to a worker and of the partial row back.
    public func estimate(
        of names: [WorkerName],
        rowByteCount: Int
    ) -> (costs: CostModel, workers: [WorkerDescription])? {
        let measured = workers.filter {
            names.contains($0.name) && $0.sums.count >= Self.leastAnswers
        }
        guard !measured.isEmpty, rowByteCount > 0 else { return nil }
        let all = measured.reduce(into: Sums()) { $0.add($1.sums) }
        let prices = all.computing
        var costs = CostModel()
        costs.perExpert = .nanoseconds(Int64(prices.perExpert))
        costs.perPair = .nanoseconds(Int64(prices.perPair))
        costs.rowByteCount = rowByteCount
        let descriptions = names.map { name in
            let sums = measured.first { $0.name == name }?.sums ?? all
            let link = sums.travelling
            var worker = WorkerDescription(name: name)
            let expected = prices.perExpert * sums.experts + prices.perPair * sums.pairs
            worker.speed = min(max(expected / max(sums.time, 1), 0.01), 100)
            worker.roundTrip = .nanoseconds(Int64(link.fixed))
            worker.bandwidth = min(max(Double(rowByteCount) / link.perRow * 1e9, 1e3), 1e12)
            return worker
        }
        return (costs, descriptions)
    }
}

/// What answers with about as many rows usually take.
private struct UsualTimes: Hashable {
    /// By the number of bits of the rows.
    private var classes = Array(repeating: SizeClass(), count: 17)

    private struct SizeClass: Hashable {
        var count = 0
        /// Nanoseconds, of computing for each expert; medians, followed from answer to answer.
        var computing = 0.0
        var travelling = 0.0
    }

    /// The first of a size only say what is usual: a process that has just started is slow.
    private static let firstAnswers = 8
    /// More than so many times the usual time is an accident.
    private static let most = 3.0
    /// By what share a median follows each answer.
    private static let pace = 0.05

    /// The answer as it counts; nil where too few came before it to say.
    mutating func admit(_ answer: ShareCosts.Answer) -> ShareCosts.Answer? {
        let index = min(Int.bitWidth - answer.rows.leadingZeroBitCount, classes.count - 1)
        var size = classes[index]
        let experts = Double(answer.experts)
        let computing = max(1, answer.computing / .nanoseconds(1) / experts)
        let travelling = max(1, answer.travelling / .nanoseconds(1))
        size.count += 1
        if size.count <= Self.firstAnswers {
            size.computing = size.count == 1 ? computing : min(size.computing, computing)
            size.travelling = size.count == 1 ? travelling : min(size.travelling, travelling)
        } else {
            size.computing *= 1 + (computing > size.computing ? Self.pace : -Self.pace)
            size.travelling *= 1 + (travelling > size.travelling ? Self.pace : -Self.pace)
        }
        classes[index] = size
        guard size.count > Self.firstAnswers else { return nil }
        var admitted = answer
        admitted.computing = .nanoseconds(
            Int64(min(experts * min(computing, Self.most * size.computing), 1e15))
        )
        admitted.travelling = .nanoseconds(
            Int64(min(travelling, Self.most * size.travelling, 1e15))
        )
        return admitted
    }
}

/// Decayed sums over shares, times in nanoseconds.
private struct Sums: Hashable {
    var count = 0.0
    var experts = 0.0
    var pairs = 0.0
    var time = 0.0
    private var expertsSquared = 0.0
    private var product = 0.0
    private var pairsSquared = 0.0
    private var expertsTime = 0.0
    private var pairsTime = 0.0
    private var rows = 0.0
    private var rowsSquared = 0.0
    private var away = 0.0
    private var rowsAway = 0.0

    mutating func add(_ answer: ShareCosts.Answer, keeping: Double) {
        let (e, p, r) = (Double(answer.experts), Double(answer.pairs), Double(answer.rows))
        let t = max(0, answer.computing / .nanoseconds(1))
        let u = max(0, answer.travelling / .nanoseconds(1))
        count = count * keeping + 1
        experts = experts * keeping + e
        pairs = pairs * keeping + p
        time = time * keeping + t
        expertsSquared = expertsSquared * keeping + e * e
        product = product * keeping + e * p
        pairsSquared = pairsSquared * keeping + p * p
        expertsTime = expertsTime * keeping + e * t
        pairsTime = pairsTime * keeping + p * t
        rows = rows * keeping + r
        rowsSquared = rowsSquared * keeping + r * r
        away = away * keeping + u
        rowsAway = rowsAway * keeping + r * u
    }

    mutating func add(_ other: Sums) {
        count += other.count
        experts += other.experts
        pairs += other.pairs
        time += other.time
        expertsSquared += other.expertsSquared
        product += other.product
        pairsSquared += other.pairsSquared
        expertsTime += other.expertsTime
        pairsTime += other.pairsTime
        rows += other.rows
        rowsSquared += other.rowsSquared
        away += other.away
        rowsAway += other.rowsAway
    }

    /// A pair's price, as a part of an expert's, where shares do not tell the two apart: while one
    /// sequence decodes, every expert has one row.
    private static let usualRatio = CostModel().perPair / CostModel().perExpert
    /// How much that guess counts against what was measured.
    private static let doubt = 1e-3

    /// Nanoseconds per distinct expert and per pair; both positive.
    var computing: (perExpert: Double, perPair: Double) {
        let ratio = Self.usualRatio
        let weight = Self.doubt * pairsSquared
        let (a, b, c) = (
            expertsSquared + weight * ratio * ratio, product - weight * ratio,
            pairsSquared + weight
        )
        let determinant = a * c - b * b
        guard determinant > 0 else { return (1, 1) }
        var perExpert = (expertsTime * c - pairsTime * b) / determinant
        var perPair = (pairsTime * a - expertsTime * b) / determinant
        if perPair < 0 { (perExpert, perPair) = (expertsTime / max(1, expertsSquared), 0) }
        if perExpert < 0 { (perExpert, perPair) = (0, pairsTime / max(1, pairsSquared)) }
        return (max(1, perExpert), max(0, perPair))
    }

    /// Nanoseconds of a share without rows, and of every row.
    var travelling: (fixed: Double, perRow: Double) {
        let weight = Self.doubt * rowsSquared
        let determinant = count * (rowsSquared + weight) - rows * rows
        guard determinant > 0 else { return (0, 1) }
        // Where all shares have as many rows, their time counts as that of the trip.
        let perRow = max(0, (count * rowsAway - rows * away) / determinant)
        let fixed = max(0, (away - perRow * rows) / count)
        return (fixed, max(0.1, perRow))
    }
}
