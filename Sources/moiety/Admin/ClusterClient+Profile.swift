import Placement
import Wire

// What a coordinator has counted, fetched piece by piece.
extension ClusterClient {
    /// Asks the step thread, which answers between two steps.
    func profileOverview(_ action: GetProfile.Action = .look) throws -> ProfileOverview {
        try send(.getProfile(GetProfile(action: action)))
        guard let reply = try receive() else { throw CommandFailure("interrupted", code: 130) }
        guard case .profileOverview(let overview) = reply else { throw unexpected(reply) }
        return overview
    }

    /// - Parameter task: nil for the rows of all.
    func profile(of task: String?, _ overview: ProfileOverview) throws -> Profile {
        guard overview.obstacle.isEmpty else {
            throw CommandFailure("nothing is counted: \(overview.obstacle)")
        }
        let known = overview.tasks.map(\.name)
        guard task.map(known.contains) ?? true else {
            let list = known.isEmpty ? "no task has" : "only \(known.joined(separator: ", ")) have"
            throw CommandFailure("no row of task '\(task ?? "")' was counted; \(list) rows")
        }
        let counts = try overview.expertCounts.indices.map { layer in
            let wish = GetProfilePart(kind: .layer, index: layer, task: task)
            let reply = try ask(.getProfilePart(wish))
            guard case .profileLayer(let part) = reply,
                part.counts.experts == overview.expertCounts[layer]
            else { throw unexpected(reply) }
            return part.counts
        }
        let rows = overview.tasks.first { $0.name == task }?.rowCount ?? overview.rowCount
        return Profile(task: task, rows: rows, topK: overview.topK, counts: counts)
    }

    /// The trace that was recorded last.
    func trace(_ overview: ProfileOverview) throws -> RoutingTrace {
        try steps(.trace, count: overview.trace.pieceCount, overview)
    }

    /// The steps that were sampled, the oldest first.
    func samples(_ overview: ProfileOverview) throws -> RoutingTrace {
        try steps(.sample, count: overview.sampleCount, overview)
    }

    private func steps(
        _ kind: GetProfilePart.Kind,
        count: Int,
        _ overview: ProfileOverview
    ) throws -> RoutingTrace {
        let recorded = try (0..<count).map { index in
            let reply = try ask(.getProfilePart(GetProfilePart(kind: kind, index: index)))
            guard case .profileSteps(let part) = reply else { throw unexpected(reply) }
            return part.steps
        }
        do throws(ProfileError) {
            return try RoutingTrace(
                expertCounts: overview.expertCounts,
                topK: overview.topK,
                recorded: recorded
            )
        } catch {
            throw CommandFailure("the coordinator at \(endpoint) sent no trace: \(error)")
        }
    }
}
