import Cluster
import Experts
import Logging
import Messaging
import Model
import Settings
import Storage
import Synchronization
import Wire

/// Where a worker's experts come from: its file, a shared directory, its cache, the coordinator.
///
/// Each place is asked for what the ones before it have not, or have damaged. Lives as long as the
/// worker's process; loads use it one at a time, from their own threads.
final class ExpertSupply: Sendable {
    let machine: Machine
    let logger: Logger
    private let state = Mutex(State())

    private struct State {
        var counts = SupplyCounts()
        /// Signed in when a load needs it first.
        var user: CacheUser?
        var hasToldCache = false
        /// The file that was found in the model directory, and the model it was looked for.
        var found: (model: ModelIdentity, file: ModelFile?)?
        /// Where experts are computed from that are left on disk.
        var disk: DiskExperts?
        /// What its memory leaves for shards.
        var shardRoom = ShardRoom(0)
    }

    init(machine: Machine, logger: Logger) {
        self.machine = machine
        self.logger = logger
    }

    /// What came from where so far.
    var counts: SupplyCounts { state.withLock { $0.counts } }

    func count(_ update: (inout SupplyCounts) -> Void) { state.withLock { update(&$0.counts) } }

    /// Loads what an order names, in its order.
    ///
    /// - Parameters:
    ///   - onOpened: told once from where experts are computed that stay on disk; before any such
    ///     is returned.
    ///   - isCancelled: asked often; once true, the load ends with `cancelled`.
    ///   - progress: called after each expert, from any thread but one at a time.
    func load(
        _ order: LoadOrder,
        onOpened: (DiskExperts) -> Void = { _ in },
        isCancelled: @escaping @Sendable () -> Bool,
        progress: @escaping @Sendable (ExpertLoader.Progress) -> Void
    ) throws(SupplyError) -> [HeldExpert] {
        let before = counts
        var load = SupplyLoad(order, supply: self, isCancelled: isCancelled, progress: progress)
        if let file = machine.model, let budget = machine.budget {
            let disk = try open(file, budget: budget, order, isCancelled, onOpened)
            try load.verify(in: file, disk)
        }
        if !load.isComplete, let file = machine.model {
            try load.take(fromFile: file, counting: \.fromFile)
        }
        if !load.isComplete, let file = sharedFile(order.model) {
            try load.take(fromFile: file, counting: \.fromDirectory)
        }
        if !load.isComplete { try load.fetch(keptBy: cacheUser()) }
        let after = counts
        logger.info(
            "Experts came",
            metadata: [
                "file": "\(after.fromFile - before.fromFile)",
                "directory": "\(after.fromDirectory - before.fromDirectory)",
                "cache": "\(after.fromCache - before.fromCache)",
                "coordinator": "\(after.fetched - before.fetched)",
                "bytesFetched": "\(after.fetchedByteCount - before.fetchedByteCount)",
                "fallBacks": "\(after.fallBacks - before.fallBacks)",
                "notKept": "\(after.notKept - before.notKept)",
            ]
        )
        return load.experts
    }

    // MARK: Experts that stay on disk

    /// Opens the packed experts of a file, or makes them, once.
    private func open(
        _ file: ModelFile,
        budget: Int,
        _ order: LoadOrder,
        _ isCancelled: () -> Bool,
        _ onOpened: (DiskExperts) -> Void
    ) throws(SupplyError) -> DiskExperts {
        let count = order.assigned.count
        let shards = order.shardByteCount
        let (opened, room) = state.withLock { ($0.disk, $0.shardRoom) }
        if let opened {
            if case .tiered(let stores) = opened { try check(stores.budget, expertCount: count) }
            guard room.holds(shards) else {
                throw .shards(byteCount: shards, room: room.byteCount)
            }
            return opened
        }
        let division: Division
        do throws(ModelError) {
            division = try Self.divide(budget, of: file, for: machine, shards: shards)
        } catch {
            throw .model(error)
        }
        let disk: DiskExperts
        var shardRoom = ShardRoom(shards)
        switch division {
        case .exact(let needs):
            let plan = try plan(needs, budget: budget)
            disk = .exact(try openStore(of: file, plan.equalSlotCount, isCancelled))
            shardRoom = ShardRoom(shards, of: budget, needs)
        case .tiered(let tiers):
            disk = .tiered(try openStores(of: file, tiers, expertCount: count, isCancelled))
        }
        onOpened(disk)
        state.withLock { [shardRoom] state in
            state.disk = disk
            state.shardRoom = shardRoom
        }
        logger.info("Experts stay on disk", metadata: ["memory": "\(budget)"])
        return disk
    }

    /// Refuses a budget in which nothing of the machine's model could be computed, before a
    /// coordinator counts on it.
    ///
    /// The process takes a little more once it serves, so a load may still refuse.
    static func checkBudget(of machine: Machine) throws(WorkerError) {
        guard let file = machine.model, let budget = machine.budget else { return }
        let division: Division
        do throws(ModelError) {
            division = try divide(budget, of: file, for: machine)
        } catch {
            throw .model(error)
        }
        do throws(MemoryPlanError) {
            switch division {
            case .exact(let needs): _ = try MemoryPlan(budget: budget, needs)
            // How many experts it is to hold is not known yet.
            case .tiered(let tiers): _ = try tiers.slots(expertCount: 1)
            }
        } catch {
            throw .memory(error)
        }
    }

    /// What a budget is divided between.
    private enum Division {
        case exact(MemoryPlan.Needs)
        case tiered(TierBudget)
    }

    /// In two tiers where the machine is lossy; but what fits stays exact.
    ///
    /// - Parameter shards: bytes of those that are to be in memory besides.
    private static func divide(
        _ budget: Int,
        of file: ModelFile,
        for machine: Machine,
        shards: Int = 0
    ) throws(ModelError) -> Division {
        let working = workingByteCount(file.description) + shards
        let fixed = ExpertResidence.fixedByteCount(working: working)
        let needs = try MemoryPlan.Needs(file, fixed: fixed)
        guard let lossy = machine.lossy, budget < fixed + needs.experts else {
            return .exact(needs)
        }
        return .tiered(try TierBudget(budget, of: file, TierOptions(lossy), fixed: fixed))
    }

    private func plan(
        _ needs: MemoryPlan.Needs,
        budget: Int
    ) throws(SupplyError) -> MemoryPlan {
        do throws(MemoryPlanError) {
            return try MemoryPlan(budget: budget, needs)
        } catch {
            throw .budget(error)
        }
    }

    private func openStore(
        of file: ModelFile,
        _ slotCount: Int,
        _ isCancelled: () -> Bool
    ) throws(SupplyError) -> StoredExperts {
        let cache = try packedCache()
        do throws(ModelError) {
            return try StoredExperts(
                file,
                cache: cache,
                slotCount: slotCount,
                isCancelled: isCancelled,
                onMaking: tellOfPacking,
                onCached: warnOfCache,
                onTrouble: { warnOfNoStore("\($0)") }
            )
        } catch {
            throw .model(error)
        }
    }

    private func packedCache() throws(SupplyError) -> ExpertCache {
        let place = machine.cache
        do throws(ExpertCacheError) {
            return try ExpertCache(path: place?.path ?? "", byteLimit: place?.byteLimit ?? 0)
        } catch {
            throw .cache(error)
        }
    }

    private func tellOfPacking(_ byteCount: Int, _ path: String) {
        logger.notice(
            "Experts are packed into one file, once for all runs",
            metadata: ["bytes": "\(byteCount)", "path": "\(path)"]
        )
    }

    private func warnOfCache(_ path: String) {
        logger.warning(
            "Experts are read through the system's page cache, which is slower",
            metadata: ["path": "\(path)", "reason": "its file system knows no other way"]
        )
    }

    private func warnOfNoStore(_ reason: String) {
        logger.warning(
            "Experts are read from the model file, which is slow",
            metadata: ["reason": "\(reason)"]
        )
    }

    // MARK: Experts in two tiers

    private func openStores(
        of file: ModelFile,
        _ tiers: TierBudget,
        expertCount: Int,
        _ isCancelled: () -> Bool
    ) throws(SupplyError) -> TieredStores {
        let cache = try packedCache()
        if let tier = tiers.options.tier {
            for note in ExpertResidence.Trouble.notes(on: tier, of: file.layout) {
                logger.notice("The low tier is not as small", metadata: ["reason": "\(note)"])
            }
        }
        do throws(TieredStoresError) {
            return try TieredStores(
                file,
                within: tiers,
                expertCount: expertCount,
                cache: cache,
                isCancelled: isCancelled,
                onMaking: tellOfPacking,
                onCached: warnOfCache,
                onTrouble: { warnOfNoStore($0) }
            )
        } catch {
            switch error {
            case .budget(let error): throw .budget(error)
            case .model(let error): throw .model(error)
            }
        }
    }

    /// Refuses more experts than there is memory for.
    private func check(_ tiers: TierBudget, expertCount: Int) throws(SupplyError) {
        do throws(MemoryPlanError) {
            _ = try tiers.slots(expertCount: expertCount)
        } catch {
            throw .budget(error)
        }
    }

    /// What shares take on their way through a worker, at most.
    private static func workingByteCount(_ model: ModelDescription) -> Int {
        let width = model.layers.reduce(0) { max($0, $1.expertWidth) } * model.expertsPerToken
        // Rows as they came and for the products, outputs, sums, and sums as they leave.
        return WireLimits.budgetedRowCount * (model.hiddenSize * 32 + min(width, 1 << 13) * 10)
    }

    /// The coordinator's file in the model directory; looked for once per model.
    private func sharedFile(_ model: ModelIdentity?) -> ModelFile? {
        guard machine.model == nil, let directory = machine.modelDirectory, let model else {
            return nil
        }
        if let found = state.withLock({ $0.found }), found.model == model { return found.file }
        let file = ModelSearch.find(model, in: directory, logger: logger)
        state.withLock { $0.found = (model, file) }
        return file
    }

    /// Nil where nothing is to be kept, or can be: the worker then fetches anew at every start.
    private func cacheUser() -> CacheUser? {
        guard let settings = machine.cache, settings.byteLimit > 0 else { return nil }
        if let user = state.withLock({ $0.user }) { return user }
        do throws(ExpertCacheError) {
            let cache = try ExpertCache(path: settings.path, byteLimit: settings.byteLimit)
            let user = try CacheUser(cache)
            state.withLock { $0.user = user }
            return user
        } catch {
            let isNews = state.withLock { state in
                defer { state.hasToldCache = true }
                return !state.hasToldCache
            }
            if isNews { logger.warning("No cache is used", metadata: ["reason": "\(error)"]) }
            return nil
        }
    }
}

extension TierOptions {
    fileprivate init(_ lossy: LossySettings) {
        self.init(mode: LossyMode(lossy.kind), tier: lossy.tier)
    }
}
