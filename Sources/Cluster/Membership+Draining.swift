import Model
public import Placement

// Workers that an operator wants emptied: they stay, and serve, but are given no experts.
extension Membership {
    /// Begins to move a worker's experts to others; from now on it is given none.
    public mutating func vacate(
        _ name: WorkerName,
        now: Instant
    ) throws(MigrationError) -> [Action] {
        guard let plan else { throw .noPlanYet }
        guard let worker = plan.index(of: name) else { throw .unknownWorker(name) }
        let mark: [Action] =
            drained.contains(name) ? [] : [.recordDrained(drained.union([name]))]
        guard plan.gives(name) else {
            drained.insert(name)
            return mark
        }
        let free = plan.workers.map { $0 == name ? 0 : room(of: $0) }
        let (goal, homeless) = plan.vacated(worker, free: free, sizes: setup.expertSizes)
        if let first = homeless.first {
            let rooms = zip(plan.workers, free).filter { $0.0 != name }
                .map { $1 == .max ? "no end at '\($0)'" : "\($1) bytes at '\($0)'" }
                .joined(separator: ", ")
            throw .noRoom(name, first, others: homeless.count - 1, rooms: rooms)
        }
        let actions = try change(to: goal, now: now)
        drained.insert(name)
        return mark + actions
    }

    /// Lets plans give a worker experts again; none move by that.
    public mutating func reoccupy(_ name: WorkerName) -> [Action] {
        guard drained.remove(name) != nil else { return [] }
        return [.recordDrained(drained)]
    }
}

extension Plan {
    /// Whether a worker holds anything.
    func gives(_ name: WorkerName) -> Bool {
        guard let worker = index(of: name) else { return false }
        return layers.joined().contains { $0.workers.contains(worker) }
    }
}
