import Caching
import Cluster
import ClusterTesting
import Experts
import Foundation
import Kernels
import Model
import Placement
import Storage
import Tensors
import Testing
import Wire
import Worker

/// A worker's arithmetic where its experts are on disk in two tiers.
@Suite("What a lossy worker computes", .timeLimit(.minutes(10)))
struct LossyWorkerTests {
    private let place: TemporaryFile
    private let cache: ExpertCache
    private let model: WholeModel
    private let kernels = Kernels(instructionSet: .detected, threadCount: 1)

    init() throws {
        place = try TemporaryFile("cache")
        cache = try ExpertCache(path: place.path, byteLimit: 1 << 30, spareByteCount: 0)
        model = try .demo
    }

    /// The least that is enough for so many experts, were nothing else to take any.
    private func leastBudget(
        _ kind: LossyKind,
        tier: LowTier? = .q4,
        expertCount: Int
    ) throws -> TierBudget {
        let options = TierOptions(mode: LossyMode(kind), tier: tier)
        func budget(_ byteCount: Int) throws -> TierBudget {
            try TierBudget(byteCount, of: model.file, options, fixed: 0)
        }
        do {
            _ = try budget(1).slots(expertCount: expertCount)
            throw TestClient.Failure(description: "one byte is enough")
        } catch MemoryPlanError.tooSmall(_, let least) {
            return try budget(least)
        }
    }

    private func stores(_ budget: TierBudget, expertCount: Int) throws -> TieredStores {
        try TieredStores(
            model.file,
            within: budget,
            expertCount: expertCount,
            cache: cache,
            isCancelled: { false },
            onTrouble: { Issue.record("\($0)") }
        )
    }

    private func arithmetic(_ stores: TieredStores) -> ShareArithmetic {
        let arithmetic = ShareArithmetic(
            kernels: kernels,
            readCPUs: CurrentThread.cpus,
            isLossy: true
        )
        arithmetic.open(.tiered(stores)) { Issue.record("\($0)") }
        return arithmetic
    }

    private func share(rows: Int, experts: [UInt32], choices: [UInt8] = []) -> Share {
        var random = SeededRandom(seed: 5)
        let width = model.description.hiddenSize
        var activations = Activations(
            values: (0..<rows * width).map { _ in Float(random.unit()) - 0.5 },
            width: width
        )
        kernels.quantize(&activations)
        return Share(
            id: ShareID(rawValue: 1),
            attempt: 1,
            epoch: Epoch(rawValue: 1),
            layer: LayerIndex(0),
            activations: Activations(
                quants: activations.quants,
                scales: activations.scales,
                width: width
            ),
            pairRows: (0..<rows).flatMap { row in experts.map { _ in UInt32(row) } },
            pairExperts: (0..<rows).flatMap { _ in experts },
            pairWeights: (0..<rows).flatMap { _ in experts.indices.map { 0.5 / Float($0 + 1) } },
            pairChoices: choices
        )
    }

    /// What experts that are in memory sum to.
    private func sums(of share: Share, _ held: HeldExperts) throws -> [Double] {
        let width = model.description.hiddenSize
        var sums = [Double](repeating: 0, count: share.header.rowCount * width)
        try ExpertArithmetic(kernels: kernels).run(
            layer: share.header.layer,
            pairs: share.pairRows.indices.map {
                ExpertArithmetic.Pair(
                    row: Int32(share.pairRows[$0]),
                    expert: Int(share.pairExperts[$0]),
                    gateWeight: share.pairWeights[$0]
                )
            },
            held: held,
            activations: share.activations,
            into: &sums
        )
        return sums
    }

    @Test("Resident: each row's uses are low until experts have come, and again where they must go")
    func resident() throws {
        let all = model.held.all
        let budget = try leastBudget(.resident, expertCount: all.count)
        #expect(try budget.slots(expertCount: all.count).high == 0)
        #expect(try budget.slots(expertCount: 2).high == 2)
        let stores = try stores(budget, expertCount: all.count)
        var held = HeldExperts(expertCounts: model.description.expertCounts)
        for id in all {
            let expert = try #require(
                try stores.lowered(id) { Issue.record("\($0)") }
            )
            held.insert(expert, as: id)
        }
        #expect(held.loweredCount == all.count && held.byteCount > 0 && held.storedCount == 0)
        let arithmetic = arithmetic(stores)
        let hidden = model.description.hiddenSize
        let share = share(rows: 3, experts: [4, 9])
        let low = try sums(of: share, held)
        let exact = try sums(of: share, model.held)
        #expect(low != exact)

        arithmetic.makeRoom(expertCount: all.count)
        #expect(arithmetic.run(share, held, hiddenSize: hidden) == nil)
        #expect(arithmetic.uses == [2, 0, 2, 0, 2, 0] && arithmetic.sums == low)
        // There is room for both of two.
        arithmetic.makeRoom(expertCount: 2)
        var isExact = false
        // Reads take a while; how many shares pass meanwhile is not known.
        for _ in 0..<100_000 where !isExact {
            #expect(arithmetic.run(share, held, hiddenSize: hidden) == nil)
            isExact = arithmetic.uses == [0, 0, 0, 0, 0, 0]
        }
        #expect(isExact && arithmetic.sums == exact)
        arithmetic.makeRoom(expertCount: all.count)
        #expect(arithmetic.run(share, held, hiddenSize: hidden) == nil)
        #expect(arithmetic.uses == [2, 0, 2, 0, 2, 0] && arithmetic.sums == low)
    }

    @Test("Resident: while nothing comes, what is wanted fills the memory left, then others do")
    func residentWhileIdle() throws {
        let all = model.held.all
        let budget = try leastBudget(.resident, expertCount: all.count)
        let stores = try stores(budget, expertCount: all.count)
        var held = HeldExperts(expertCounts: model.description.expertCounts)
        for id in all.prefix(4) {
            held.insert(try #require(try stores.lowered(id) { Issue.record("\($0)") }), as: id)
        }
        let arithmetic = arithmetic(stores)
        arithmetic.makeRoom(expertCount: 2)
        let missing = ExpertID(layer: LayerIndex(1), index: 0)
        arithmetic.want(Outlook([missing, all[3], all[3]]), held)
        while arithmetic.prepare() {}
        #expect(arithmetic.figures?.idleLoads == 2)
        let hidden = model.description.hiddenSize
        let share = share(rows: 1, experts: [0, 3])
        #expect(arithmetic.run(share, held, hiddenSize: hidden) == nil)
        #expect(arithmetic.uses == [0, 0])
        #expect(arithmetic.sums == (try sums(of: share, model.held)))
        #expect(arithmetic.figures?.idleUses == 2)
        // There is no room for more, and nobody gives way.
        arithmetic.want(Outlook([all[1]]), held)
        #expect(!arithmetic.prepare() && arithmetic.figures?.idleLoads == 2)
        arithmetic.makeRoom(expertCount: all.count)
        #expect(!arithmetic.prepare())
        #expect(arithmetic.run(share, held, hiddenSize: hidden) == nil)
        #expect(arithmetic.uses == [2, 0])
    }

    @Test("Hobbit: what is missing comes as a lone row's choices say, and stays as it came")
    func hobbit() throws {
        let all = model.held.all
        let stores = try stores(
            try leastBudget(.hobbit, expertCount: all.count),
            expertCount: all.count
        )
        var held = HeldExperts(expertCounts: model.description.expertCounts)
        for id in all { held.insert(.stored, as: id) }
        let arithmetic = arithmetic(stores)
        let hidden = model.description.hiddenSize
        let judged = share(rows: 1, experts: [4, 9, 7], choices: [0, 1, 2])
        #expect(try stores.lowered(all[0]) { _ in } == nil, "it is read when it is chosen")
        #expect(arithmetic.run(judged, held, hiddenSize: hidden) == nil)
        #expect(arithmetic.uses == [1, 1])
        #expect(arithmetic.run(judged, held, hiddenSize: hidden) == nil)
        #expect(arithmetic.uses == [1, 1])
        // Each tier was asked for one expert, twice, and had it the second time.
        let figures = try #require(arithmetic.figures)
        #expect(figures.uses == 4 && figures.hits == 2)
        #expect(figures.lowUses == 2 && figures.lowHits == 1)
        let plain = share(rows: 1, experts: [4, 9, 7])
        #expect(arithmetic.sums != (try sums(of: plain, model.held)))
        // Without choices everything comes as it is in the file, and what is there is used.
        for share in [plain, judged] {
            #expect(arithmetic.run(share, held, hiddenSize: hidden) == nil)
            #expect(arithmetic.uses == [0, 0])
            #expect(arithmetic.sums == (try sums(of: plain, model.held)))
        }
        let several = share(rows: 4, experts: [11, 12])
        #expect(arithmetic.run(several, held, hiddenSize: hidden) == nil)
        #expect(arithmetic.uses == Array(repeating: 0, count: 8))
        #expect(arithmetic.sums == (try sums(of: several, model.held)))
        #expect((arithmetic.figures?.bytesRead ?? 0) > 0)
        arithmetic.foresee(Hint(layer: LayerIndex(1), distance: 1, experts: [1, 2, 99]), held)
    }

    @Test("Hobbit without a low tier reads as in the file what it does not leave out")
    func hobbitWithoutLowTier() throws {
        let all = model.held.all
        let stores = try stores(
            try leastBudget(.hobbit, tier: nil, expertCount: all.count),
            expertCount: all.count
        )
        var held = HeldExperts(expertCounts: model.description.expertCounts)
        for id in all { held.insert(.stored, as: id) }
        #expect(try stores.lowered(all[0]) { _ in } == nil)
        let arithmetic = arithmetic(stores)
        let hidden = model.description.hiddenSize
        let judged = share(rows: 1, experts: [4, 9, 7], choices: [0, 1, 2])
        #expect(arithmetic.run(judged, held, hiddenSize: hidden) == nil)
        #expect(arithmetic.uses == [0, 1])
        // The heaviest two, by the weights that the third has no part in.
        #expect(arithmetic.sums == (try sums(of: share(rows: 1, experts: [4, 9]), model.held)))
        let figures = try #require(arithmetic.figures)
        #expect(figures.uses == 2 && figures.lowUses == 0)
        let packed = try FileManager.default.contentsOfDirectory(atPath: place.path + "/packed")
        #expect(packed.count == 1)
    }

    @Test("More experts than there is memory for are refused with what would do")
    func tooMany() throws {
        let budget = try leastBudget(.resident, expertCount: 5)
        #expect(throws: MemoryPlanError.self) { try budget.slots(expertCount: 6) }
        #expect(throws: TieredStoresError.self) { try stores(budget, expertCount: 6) }
    }
}
