/// MoETuner (Go and Mahajan, 2025) as it is printed, with the repairs that it needs.
///
/// First clusters of equal rows in every layer, then clusters to workers so that consecutive layers
/// exchange little over the busiest link. Added: every expert is in exactly one cluster; memory is
/// a limit, not an equation; the maximum is taken over links, as the text says.
struct MoetunerSolver {
    let problem: PlacementProblem
    var options = MoetunerOptions()
    /// Asked where a layer's clusters are too far from their bound; nil leaves them as they are.
    var programs: (any IntegerProgramSolver)?

    func solve() -> PlacementSolution {
        let layers = problem.profile.layers.indices.filter {
            problem.profile.expertCounts[$0] > 0
        }
        var notes: [String] = []
        var attempts = [MoetunerOptions.Cardinality.fixed]
        if options.cardinality == .free { attempts.insert(.free, at: 0) }
        for cardinality in attempts {
            var balanced = layers.map { balance($0, cardinality) }
            notes += improve(&balanced, layers, cardinality)
            if let assigned = assign(layers, balanced) {
                return solution(layers, balanced, assigned, notes)
            }
            notes.append("clusters of \(cardinality.rawValue) sizes do not fit the workers' memory")
        }
        notes.append("so this is the balanced plan")
        let balanced = BalancedSolver(problem: problem, copies: false).solve()
        return PlacementSolution(
            solver: "moetuner",
            plan: balanced.plan,
            objective: balanced.objective,
            lowerBound: 0,
            notes: notes,
            gaps: (1, 1)
        )
    }

    private func balance(
        _ layer: Int,
        _ cardinality: MoetunerOptions.Cardinality
    ) -> ClusterBalancer.Result {
        balancer(layer, cardinality).solve(seed: UInt64(layer))
    }

    private func balancer(
        _ layer: Int,
        _ cardinality: MoetunerOptions.Cardinality
    ) -> ClusterBalancer {
        // Tokens are whole things; fading counts are rounded.
        let rows = problem.profile.layers[layer].activations.map { Int($0.rounded()) }
        let workers = problem.workers.count
        let even = rows.count / workers
        let sizes: ClosedRange<Int> =
            switch cardinality {
            case .fixed: even...(even + (rows.count % workers > 0 ? 1 : 0))
            case .free: min(1, even)...rows.count
            }
        return ClusterBalancer(rows: rows, clusterCount: workers, sizes: sizes)
    }

    /// Asks the solver of integer programs about layers that are not as good as their bound.
    ///
    /// - Returns: why it did not help, if it did not.
    private func improve(
        _ balanced: inout [ClusterBalancer.Result],
        _ layers: [Int],
        _ cardinality: MoetunerOptions.Cardinality
    ) -> [String] {
        guard let programs else { return [] }
        var limits = options.limits
        let open = balanced.indices.filter { index in
            let result = balanced[index]
            return result.objective - result.lowerBound > limits.gap * result.objective
        }
        limits.seconds /= Double(max(1, open.count))
        for index in open {
            let balancer = balancer(layers[index], cardinality)
            let program = ClusterProgram(balancer: balancer)
            let start = program.program(start: balanced[index].clusters)
            switch programs.solve(start, limits: limits) {
            case .solution(let values, let bound):
                balanced[index] = balanced[index].improved(
                    by: program.clusters(values),
                    bound: bound,
                    balancer: balancer
                )
            case .none(let reason):
                // What kept the first from being solved keeps the others, too.
                return ["layer \(layers[index]) and those after it were left as packed: \(reason)"]
            }
        }
        return []
    }

    private func assign(
        _ layers: [Int],
        _ balanced: [ClusterBalancer.Result]
    ) -> ClusterAssigner.Result? {
        let bytes = zip(layers, balanced).map { layer, result in
            result.clusters.reduce(into: problem.workers.map { _ in 0 }) { sums, cluster in
                sums[cluster] += problem.expertByteCounts[layer]
            }
        }
        let traffic = ClusterTraffic(
            clusters: balanced.map(\.clusters),
            layers: layers.map { problem.profile.layers[$0] },
            problem: problem,
            betweenHosts: options.betweenHosts
        )
        return ClusterAssigner(traffic: traffic, bytes: bytes, rooms: problem.rooms).solve()
    }

    private func solution(
        _ layers: [Int],
        _ balanced: [ClusterBalancer.Result],
        _ assigned: ClusterAssigner.Result,
        _ notes: [String]
    ) -> PlacementSolution {
        var owners = problem.profile.expertCounts.map { Array(repeating: 0, count: $0) }
        for (place, layer) in layers.enumerated() {
            var workers = problem.workers.indices.map { $0 }
            for (worker, cluster) in assigned.clusters[place].enumerated() {
                workers[cluster] = worker
            }
            owners[layer] = balanced[place].clusters.map { workers[$0] }
        }
        let objective = balanced.reduce(0) { $0 + $1.objective }
        let bound = balanced.reduce(0) { $0 + $1.lowerBound }
        let rows = layers.reduce(0) { sum, layer in
            sum + problem.profile.layers[layer].activations.reduce(0, +)
        }
        return PlacementSolution(
            solver: "moetuner",
            plan: problem.plan(owners: owners),
            objective: objective,
            lowerBound: bound,
            notes: notes,
            gaps: (
                rows > 0 ? (objective - bound) / rows : 0,
                PlacementSolution.gap(assigned.objective, assigned.lowerBound)
            )
        )
    }
}

/// What MoETuner's paper leaves open.
public struct MoetunerOptions: Hashable, Sendable {
    /// How many experts a cluster has.
    public enum Cardinality: String, CaseIterable, Sendable {
        /// As many as any other, give or take one.
        case fixed
        /// Any number: a hot one alone, many cold ones together; memory permitting.
        case free
    }

    public var cardinality = Cardinality.free
    /// Bytes per second between workers of different hosts; nil where links do not differ.
    public var betweenHosts: Double?
    /// Of all integer programs together, but for the memory, which each may take.
    public var limits = IntegerProgramLimits()

    public init() {}
}
