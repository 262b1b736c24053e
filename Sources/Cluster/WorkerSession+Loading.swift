public import Model
public import Placement

extension WorkerSession {
    /// Which model the coordinator runs; experts of another one are of no use any more.
    public mutating func onManifest(_ manifest: Manifest, now: Instant) -> [Action] {
        guard hear(now: now) else { return [] }
        guard manifest.model != self.manifest?.model else {
            self.manifest = manifest
            return []
        }
        self.manifest = manifest
        let actions = cancelLoad() + drop(Array(held.keys))
        if case .failed(let code, let reason, _) = loading {
            // An assignment that came too early, or for another model: worth asking again at once.
            loading = .failed(code, reason, retryAt: now)
        } else {
            loading = .none
        }
        return actions
    }

    /// Drops what is no longer assigned, then loads what is missing, or reports that nothing is.
    public mutating func onAssignment(
        epoch: Epoch,
        experts: [AssignedExpert],
        bandwidth: UInt64 = 0,
        serial: UInt64 = 0,
        now: Instant
    ) -> [Action] {
        guard hear(now: now), serial == 0 || serial >= lastSerial else { return [] }
        lastSerial = max(lastSerial, serial)
        if let (code, reason) = fault(of: experts) {
            return cancelLoad() + fail(epoch, code, reason, now: now)
        }
        let wanted = Dictionary(uniqueKeysWithValues: experts.map { ($0.part, $0) })
        if case .underWay(let load) = loading, load.epoch == epoch, load.wanted == wanted {
            // Only the connection was lost; the load went on.
            return [.reportProgress(epoch, loaded: load.loaded, total: load.total)]
        }
        var actions = cancelLoad()
        actions += drop(held.keys.filter { wanted[$0] != held[$0] })
        actions += arrange(experts.map(\.part), from: epoch)
        let missing = experts.filter { held[$0.part] == nil }
        guard !missing.isEmpty else {
            loading = .done(epoch)
            heldEpoch = epoch
            return actions + [.reportLoaded(epoch)]
        }
        heldEpoch = nil
        loading = .underWay(Load(epoch: epoch, wanted: wanted))
        return actions + [.load(epoch, missing, bandwidth: bandwidth)]
    }

    /// So many bytes of a load are read and verified.
    public mutating func onLoadProgress(
        epoch: Epoch,
        loadedByteCount: UInt64,
        totalByteCount: UInt64,
        now: Instant
    ) -> [Action] {
        guard case .underWay(var load) = loading, load.epoch == epoch else { return [] }
        load.loaded = loadedByteCount
        load.total = totalByteCount
        let isDue = load.nextReport <= now && phase == .welcomed
        if isDue { load.nextReport = now + limits.progressInterval }
        loading = .underWay(load)
        guard isDue else { return [] }
        return [.reportProgress(epoch, loaded: loadedByteCount, total: totalByteCount)]
    }

    /// Every expert of the load is in memory and verified.
    public mutating func onLoaded(epoch: Epoch) -> [Action] {
        guard case .underWay(let load) = loading, load.epoch == epoch else { return [] }
        held = load.wanted
        heldEpoch = epoch
        loading = .done(epoch)
        return phase == .welcomed ? [.reportLoaded(epoch)] : []
    }

    /// The load ended early; what it had read was given up.
    public mutating func onLoadFailed(
        epoch: Epoch,
        code: LoadFailureCode,
        reason: String,
        now: Instant
    ) -> [Action] {
        guard case .underWay(let load) = loading, load.epoch == epoch else { return [] }
        return fail(epoch, code, shortened(reason), now: now)
    }

    // MARK: - Shares

    /// Whether it holds an expert, or a shard of it.
    public func holds(_ expert: ExpertID) -> Bool { held.keys.contains { $0.expert == expert } }

    public var heldExpertCount: Int { held.count }

    /// Why a share cannot be computed, or nil where it can: under any epoch, as long as the
    /// experts are held.
    public func refusal(
        of experts: some Sequence<UInt32>,
        in layer: LayerIndex
    ) -> ShareRefusalCode? {
        guard !isDraining, phase != .stopped else { return .draining }
        let holdsAll = experts.allSatisfy { index in
            Int(exactly: index).map { holds(ExpertID(layer: layer, index: $0)) } ?? false
        }
        return holdsAll ? nil : .notHeld
    }

    // MARK: - Steps

    private mutating func cancelLoad() -> [Action] {
        guard case .underWay(let load) = loading else { return [] }
        loading = .none
        return [.cancelLoad(load.epoch)]
    }

    private mutating func drop(_ experts: [ExpertSlice]) -> [Action] {
        guard !experts.isEmpty else { return [] }
        for expert in experts { held[expert] = nil }
        heldEpoch = nil
        return [.drop(experts.sorted())]
    }

    /// Of two parts of an expert, the one listed second belongs to the plan that comes.
    private mutating func arrange(_ parts: [ExpertSlice], from epoch: Epoch) -> [Action] {
        var seen: Set<ExpertID> = []
        let before = later
        later = parts.filter { !seen.insert($0.expert).inserted }
        return later.isEmpty && before.isEmpty ? [] : [.arrange(epoch, later: later)]
    }

    private mutating func fail(
        _ epoch: Epoch,
        _ code: LoadFailureCode,
        _ reason: String,
        now: Instant
    ) -> [Action] {
        loading = .failed(code, reason, retryAt: now + limits.loadRetryTime)
        return phase == .welcomed ? [.reportLoadFailed(epoch, code, reason)] : []
    }

    /// What is wrong with an assignment, before anything is allocated for it.
    private func fault(of experts: [AssignedExpert]) -> (LoadFailureCode, String)? {
        guard let manifest else { return (.malformed, "an assignment came before its manifest") }
        if let model = identity.model, model != manifest.model {
            return (
                .wrongModel,
                "the worker's file is another model (\(model)) than the coordinator's "
                    + "(\(manifest.model))"
            )
        }
        guard experts.count <= limits.experts else {
            return (.malformed, "\(experts.count) experts exceed the limit of \(limits.experts)")
        }
        var parts: [ExpertID: [ExpertSlice]] = [:]
        for part in experts.map(\.part) {
            let expert = part.expert
            guard (0..<manifest.layerCount).contains(expert.layer.rawValue),
                (0..<manifest.expertCount).contains(expert.index)
            else { return (.malformed, "the model has no \(expert)") }
            let others = parts[expert, default: []]
            guard !others.contains(part) else {
                return (.malformed, "\(part) is assigned twice")
            }
            // One that steps use still, and one that comes.
            guard others.count < 2 else {
                return (.malformed, "\(expert) is assigned in more than two parts")
            }
            parts[expert] = others + [part]
        }
        return nil
    }
}
