import Cluster
import Model
import Placement
import Testing

@Suite("Which copy computes")
struct CopyChoiceTests {
    @Test(
        "One row's experts keep the busiest worker as little busy as any choice could",
        arguments: 0..<300 as Range<UInt64>
    )
    func fewestExperts(seed: UInt64) throws {
        var generator = SeededRandom(seed: seed)
        let workerCount = Int.random(in: 2...4, using: &generator)
        let copies = (0..<Int.random(in: 2...7, using: &generator)).map { _ in
            let some = (0..<workerCount).filter { _ in Bool.random(using: &generator) }
            return some.isEmpty ? [0] : some
        }
        let shares = try split(copies, rows: [copies.indices.map { $0 }], among: workerCount)
        let busiest = shares.map(\.pairExperts.count).max()
        #expect(busiest == Self.best(copies, among: workerCount), "seed \(seed): \(copies)")
    }

    @Test("An expert that all rows want is computed by all who hold it")
    func manyRows() throws {
        let copies = [[0, 1, 2], [0], [1], [2]]
        let rows = (0..<300).map { [0, 1 + $0 % 3] }
        let shares = try split(copies, rows: rows, among: 3)
        for share in shares { #expect(abs(share.pairExperts.count - 200) <= 32) }
    }

    @Test("A few rows of one expert stay together: its weights are read once")
    func fewRows() throws {
        let shares = try split([[0, 1], [0, 1]], rows: [[0, 1], [0, 1], [1, 0]], among: 2)
        #expect(shares.map(\.pairExperts) == [[0, 0, 0], [1, 1, 1]])
    }

    @Test("Copies relieve the busiest worker: by a fifth at least, on average")
    func relief() throws {
        var sums = (free: 0, fixed: 0)
        var generator = SeededRandom(seed: 7)
        for round in 0..<100 {
            let copies = (0..<12).map { _ in
                let some = (0..<4).filter { _ in Bool.random(using: &generator) }
                return some.isEmpty ? [3] : some
            }
            let rows = (0..<Int.random(in: 1...200, using: &generator)).map { _ in
                Array((0..<12).shuffled(using: &generator).prefix(4))
            }
            let free = try split(copies, rows: rows, among: 4)
            let fixed = try split(copies.map { [$0[0]] }, rows: rows, among: 4)
            // Dealt one after another, a run may land where it is in the way.
            #expect(Self.cost(free) <= Self.cost(fixed) + 48, "round \(round)")
            sums.free += Self.cost(free)
            sums.fixed += Self.cost(fixed)
        }
        #expect(sums.free * 5 < sums.fixed * 4, "\(sums)")
    }

    /// Of the busiest worker: what reading its experts and computing their rows takes.
    private static func cost(_ shares: [WorkerShare]) -> Int {
        shares.map { 16 * Set($0.pairExperts).count + $0.pairExperts.count }.max() ?? 0
    }

    /// Distinct experts of the busiest worker, over all choices.
    private static func best(_ copies: [[Int]], among workerCount: Int) -> Int {
        var loads = Array(repeating: 0, count: workerCount)
        func search(_ expert: Int) -> Int {
            guard expert < copies.count else { return loads.max() ?? 0 }
            return copies[expert].map { worker in
                loads[worker] += 1
                defer { loads[worker] -= 1 }
                return search(expert + 1)
            }.min() ?? 0
        }
        return search(0)
    }

    private func split(
        _ copies: [[Int]],
        rows: [[Int]],
        among workerCount: Int
    ) throws -> [WorkerShare] {
        let entries = copies.map { $0.count == 1 ? ExpertEntry.worker($0[0]) : .replicas($0) }
        let plan = Plan(
            epoch: epoch(1),
            workers: try (0..<workerCount).map { try name("w\($0)") },
            layers: [entries]
        )
        return try splitShares(of: rows, under: plan)
    }
}
