package import Cluster
package import Messaging
package import Model
package import Placement

/// What the runner notices that operators may want to know.
package enum RunnerEvent: Sendable {
    /// After `heldBack` others that were not told.
    case malformed(String, from: Peer?, heldBack: Int)
    /// It is of no use, whatever its control connection says.
    case unreachable(WorkerName, Trouble)
    /// A share that was awaited; its rows go to others.
    case refused(WorkerName, ShareRefusalCode, reason: String)
    /// This plan is used from now on, and no older one.
    case adopted(Epoch)
    /// The step runs again, because the plan of this epoch cuts experts of the layer otherwise.
    case begunAnew(LayerIndex, Epoch)
    /// The step waits, because nobody who serves holds these experts.
    case waiting(LayerIndex, experts: [Int])

    /// What is wrong with a worker that says it lives.
    package enum Trouble: Sendable {
        /// No share reaches it.
        case disconnected
        /// It did not answer a share in time.
        case silent
    }
}

extension ExpertRunnerError {
    init(_ error: ExchangeError) {
        self =
            switch error {
            case .workerSilent(let worker, let layer, let waited, _):
                .workerSilent(worker: worker.rawValue, layer: layer, waited: waited)
            case .workerLost(let worker, let layer, _, let reason):
                .workerLost(worker: worker.rawValue, layer: layer, reason: reason)
            case .shareRefused(let worker, let layer, _, let reason):
                .shareRefused(worker: worker.rawValue, layer: layer, reason: reason)
            case .expertsMissing(let layer, _, _, _):
                .expertsMissing(layer: layer, reason: "\(error)")
            }
    }
}
