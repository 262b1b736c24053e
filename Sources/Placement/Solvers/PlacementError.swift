/// Why no plan can be made.
public enum PlacementError: Error, Hashable {
    case noWorkers
    /// More workers or experts than plans have.
    case tooMany(what: String, count: Int, limit: Int)
    /// A worker that cannot be computed with.
    case badWorker(WorkerName, reason: String)
    /// The trace is of another model than the profile.
    case otherModel(reason: String)
    /// All workers together cannot hold all experts.
    case noRoom(needed: Int, room: Int)
    /// There is room in all, but not in pieces that experts fit into.
    case crowded(layer: Int)
}

extension PlacementError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noWorkers:
            "there are no workers to place experts on"
        case .tooMany(let what, let count, let limit):
            "\(count) \(what) are more than the limit of \(limit)"
        case .badWorker(let name, let reason):
            "worker '\(name)' cannot be planned with: \(reason)"
        case .otherModel(let reason):
            "the trace and the profile are not of the same model: \(reason)"
        case .noRoom(let needed, let room):
            "the experts take \(needed) bytes, and the workers have memory for \(room): add "
                + "workers, or give them more"
        case .crowded(let layer):
            "the workers have memory enough in all, but no worker has room for a whole expert of "
                + "layer \(layer): give them a little more"
        }
    }
}
