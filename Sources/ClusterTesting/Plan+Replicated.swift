import Model
public import Placement

extension Plan {
    /// Every expert of the demo model on every worker.
    ///
    /// - Throws: where the demo model cannot be opened.
    public static func replicated(on names: [String]) throws -> Plan {
        let workers = names.compactMap(WorkerName.init(rawValue:))
        let entry = ExpertEntry.replicas(Array(workers.indices))
        return Plan(
            epoch: Epoch(rawValue: 1),
            workers: workers,
            layers: try WholeModel.demo.description.expertCounts.map {
                Array(repeating: entry, count: $0)
            }
        )
    }
}
