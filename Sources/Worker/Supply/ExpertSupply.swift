import Cluster
import Experts
import Logging
import Messaging
import Model
import Storage
import Synchronization

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
    ///   - isCancelled: asked often; once true, the load ends with `cancelled`.
    ///   - progress: called after each expert, from any thread but one at a time.
    func load(
        _ order: LoadOrder,
        isCancelled: @escaping @Sendable () -> Bool,
        progress: @escaping @Sendable (ExpertLoader.Progress) -> Void
    ) throws(SupplyError) -> [FeedForwardWeights] {
        let before = counts
        var load = SupplyLoad(order, supply: self, isCancelled: isCancelled, progress: progress)
        if let file = machine.model { try load.take(fromFile: file, counting: \.fromFile) }
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
        return load.weights
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
