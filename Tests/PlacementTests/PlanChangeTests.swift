import Model
import Placement
import Testing

@Suite("The way from one plan to another")
struct PlanChangeTests {
    private static let sizes = ExpertSizes(byteCounts: [10], width: 8)

    @Test("is no way at all where both place everything alike")
    func nothing() throws {
        let plan = try contiguous(2, [4])
        let change = try PlanChange(from: plan, to: plan, sizes: Self.sizes, room: [:])
        #expect(change.stages.isEmpty)
    }

    @Test("names for each copy where it goes, who has it and what it weighs")
    func moves() throws {
        let old = try contiguous(2, [2])
        let new = Plan(epoch: old.epoch, workers: old.workers, layers: [[.worker(1), .worker(1)]])
        let change = try PlanChange(from: old, to: new, sizes: Self.sizes, room: [:])
        let part = ExpertPart(ExpertID(layer: LayerIndex(0), index: 0), from: 0, to: 8)
        let stage = try #require(change.stages.first)
        #expect(change.stages.count == 1)
        #expect(stage.moves.map(\.part) == [part])
        #expect(stage.moves.map(\.to) == [old.workers[1]])
        #expect(stage.moves.map(\.sources) == [[old.workers[0]]])
        #expect(stage.drops.map(\.worker) == [old.workers[0]])
        #expect(change.byteCount == 10)
        #expect(stage.plan.epoch == Epoch(rawValue: old.epoch.rawValue + 1))
        #expect(stage.plan.layers == new.layers)
    }

    @Test("waits for room that an earlier stage makes")
    func chain() throws {
        let old = try contiguous(3, [3])
        let layers: [[ExpertEntry]] = [[.worker(1), .worker(2), .worker(2)]]
        let new = Plan(epoch: old.epoch, workers: old.workers, layers: layers)
        let room = [old.workers[0]: 10, old.workers[1]: 10, old.workers[2]: 20]
        let change = try PlanChange(from: old, to: new, sizes: Self.sizes, room: room)
        #expect(change.stages.map { $0.moves.map(\.to) } == [[old.workers[2]], [old.workers[1]]])
    }

    @Test("puts an expert aside where two full workers exchange theirs")
    func exchange() throws {
        let old = try contiguous(3, [2])
        let new = Plan(epoch: old.epoch, workers: old.workers, layers: [[.worker(1), .worker(0)]])
        let room = Dictionary(uniqueKeysWithValues: old.workers.map { ($0, 10) })
        let change = try PlanChange(from: old, to: new, sizes: Self.sizes, room: room)
        #expect(change.stages.count == 3)
        #expect(change.stages.last?.plan.layers == new.layers)
    }

    @Test("is refused where nothing can be put aside")
    func stuck() throws {
        let old = try contiguous(2, [2])
        let new = Plan(epoch: old.epoch, workers: old.workers, layers: [[.worker(1), .worker(0)]])
        let room = Dictionary(uniqueKeysWithValues: old.workers.map { ($0, 10) })
        let expert = ExpertID(layer: LayerIndex(0), index: 0)
        #expect(throws: PlanChangeError.noRoom(old.workers[1], expert, needed: 10, free: 0)) {
            try PlanChange(from: old, to: new, sizes: Self.sizes, room: room)
        }
    }

    @Test("is refused between models")
    func otherModel() throws {
        let old = try contiguous(2, [2])
        let new = try contiguous(2, [3])
        #expect(throws: PlanChangeError.otherShape) {
            try PlanChange(from: old, to: new, sizes: Self.sizes, room: [:])
        }
    }

    @Test(
        "keeps every expert held and every memory within its room, whatever the plans",
        arguments: 0..<300 as Range<UInt64>
    )
    func random(seed: UInt64) throws {
        var generator = SeededRandom(seed: seed)
        let layers = (0..<3).map { _ in Int.random(in: 0...5, using: &generator) }
        let sizes = ExpertSizes(
            byteCounts: layers.map { _ in Int.random(in: 1...20, using: &generator) },
            width: 64
        )
        let old = try plan(layers, firstName: 97, using: &generator)
        let new = try plan(layers, firstName: 98, using: &generator)
        var room: [WorkerName: Int] = [:]
        for name in Set(old.workers + new.workers) {
            let most = max(Self.bytes(on: name, old, sizes), Self.bytes(on: name, new, sizes))
            room[name] = most + Int.random(in: 0...30, using: &generator)
        }
        let change: PlanChange
        do throws(PlanChangeError) {
            change = try PlanChange(
                from: old,
                to: new,
                sizes: sizes,
                room: room,
                stageByteLimit: Int.random(in: 1...100, using: &generator)
            )
        } catch {
            guard case .noRoom = error else { throw error }
            return
        }
        var held = Self.holdings(old, sizes)
        for (index, stage) in change.stages.enumerated() {
            for move in stage.moves {
                #expect(!held.contains(Holding(move.to, move.part)), "seed \(seed)")
                held.insert(Holding(move.to, move.part))
            }
            for (name, bytes) in Self.bytes(held, sizes) {
                #expect(bytes <= room[name] ?? 0, "seed \(seed), stage \(index)")
            }
            for drop in stage.drops {
                #expect(held.remove(Holding(drop.worker, drop.part)) != nil, "seed \(seed)")
            }
            #expect(held == Self.holdings(stage.plan, sizes), "seed \(seed), stage \(index)")
            try stage.plan.validate(expertCounts: layers, expertWidth: 64)
        }
        let last = change.stages.last?.plan ?? old
        #expect(last.workers == new.workers || last == old, "seed \(seed)")
        #expect(Self.holdings(last, sizes) == Self.holdings(new, sizes), "seed \(seed)")
    }

    private struct Holding: Hashable {
        let worker: WorkerName
        let part: ExpertPart

        init(_ worker: WorkerName, _ part: ExpertPart) {
            self.worker = worker
            self.part = part
        }
    }

    private func plan(
        _ layers: [Int],
        firstName: UInt8,
        using generator: inout SeededRandom
    ) throws -> Plan {
        let workers = try (0..<4).map { index in
            try #require(WorkerName(rawValue: String(UnicodeScalar(firstName + UInt8(index)))))
        }
        let entries = layers.map { count in
            (0..<count).map { _ in
                let worker = Int.random(in: 0..<4, using: &generator)
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: return ExpertEntry.replicas([worker, (worker + 1) % 4])
                case 1:
                    return .shards([
                        Shard(worker: worker, from: 0, to: 32),
                        Shard(worker: (worker + 2) % 4, from: 32, to: 64),
                    ])
                default: return .worker(worker)
                }
            }
        }
        return Plan(epoch: Epoch(rawValue: 5), workers: workers, layers: entries)
    }

    private static func holdings(_ plan: Plan, _ sizes: ExpertSizes) -> Set<Holding> {
        var held: Set<Holding> = []
        for (layer, entries) in plan.layers.enumerated() {
            for (index, entry) in entries.enumerated() {
                let expert = ExpertID(layer: LayerIndex(layer), index: index)
                if case .shards(let shards) = entry {
                    for shard in shards {
                        let part = ExpertPart(expert, from: shard.from, to: shard.to)
                        held.insert(Holding(plan.workers[shard.worker], part))
                    }
                } else {
                    for worker in entry.workers {
                        let part = ExpertPart(expert, from: 0, to: sizes.width)
                        held.insert(Holding(plan.workers[worker], part))
                    }
                }
            }
        }
        return held
    }

    private static func bytes(_ held: Set<Holding>, _ sizes: ExpertSizes) -> [WorkerName: Int] {
        held.reduce(into: [:]) { sums, holding in
            sums[holding.worker, default: 0] += sizes.byteCount(of: holding.part)
        }
    }

    private static func bytes(on name: WorkerName, _ plan: Plan, _ sizes: ExpertSizes) -> Int {
        bytes(holdings(plan, sizes), sizes)[name] ?? 0
    }
}
