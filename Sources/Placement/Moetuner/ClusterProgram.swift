/// MoETuner's first program for one layer as it is printed, for a solver of integer programs.
///
/// Columns are `x[cluster][expert]`, whether the cluster has the expert, then `d[cluster]`, how far
/// the cluster is from the mean.
struct ClusterProgram {
    let balancer: ClusterBalancer

    /// - Parameter clusters: a solution to start from; `[expert]`.
    func program(start clusters: [Int]) -> IntegerProgram {
        let experts = balancer.rows.count
        let count = balancer.clusterCount
        var loads = Array(repeating: 0.0, count: count)
        for (expert, cluster) in clusters.enumerated() {
            loads[cluster] += Double(balancer.rows[expert])
        }
        var columns: [IntegerProgram.Column] = []
        for cluster in 0..<count {
            for expert in 0..<experts {
                columns.append(
                    .init(
                        cost: 0,
                        lower: 0,
                        upper: 1,
                        isWhole: true,
                        start: clusters[expert] == cluster ? 1 : 0
                    )
                )
            }
        }
        for load in loads {
            columns.append(
                .init(
                    cost: 1,
                    lower: 0,
                    upper: .greatestFiniteMagnitude,
                    isWhole: false,
                    start: abs(load - balancer.mean)
                )
            )
        }
        return IntegerProgram(columns: columns, rows: rows(experts, count))
    }

    private func rows(_ experts: Int, _ count: Int) -> [IntegerProgram.Row] {
        let infinite = Double.greatestFiniteMagnitude
        var rows = (0..<experts).map { expert in
            IntegerProgram.Row(
                lower: 1,
                upper: 1,
                terms: (0..<count).map { .init($0 * experts + expert, 1) }
            )
        }
        for cluster in 0..<count {
            let columns = cluster * experts..<(cluster + 1) * experts
            let load = zip(columns, balancer.rows).map {
                IntegerProgram.Term($0, Double($1))
            }
            let distance = count * experts + cluster
            // d >= load - mean, and d >= mean - load.
            rows.append(
                .init(lower: -infinite, upper: balancer.mean, terms: load + [.init(distance, -1)])
            )
            rows.append(
                .init(lower: balancer.mean, upper: infinite, terms: load + [.init(distance, 1)])
            )
            rows.append(
                .init(
                    lower: Double(balancer.sizes.lowerBound),
                    upper: Double(balancer.sizes.upperBound),
                    terms: columns.map { .init($0, 1) }
                )
            )
        }
        return rows
    }

    /// Which cluster each expert is in; `[expert]`.
    func clusters(_ values: [Double]) -> [Int] {
        let experts = balancer.rows.count
        return (0..<experts).map { expert in
            (0..<balancer.clusterCount).first { values[$0 * experts + expert] > 0.5 } ?? 0
        }
    }
}
