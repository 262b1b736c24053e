public import Tensors

/// The seam between the model and the cluster: computes a layer's experts for batches of rows.
///
/// The forward pass calls `start`, does what it can meanwhile, then calls `finish`, from one
/// thread. Several batches may be under way at once, told apart by the part of the step's rows
/// that they are; each is started, then finished, before it is started again. A local runner and a
/// remote one conform, and by the one arithmetic both give the same bits.
public protocol ExpertRunner: AnyObject {
    /// Hands over a batch: which rows go to which experts of `layer`, with which gate weights.
    ///
    /// - Parameters:
    ///   - part: tells this batch from others under way, counted from 0.
    ///   - activations: `[rows, hidden]`, in the forms `ModelDescription` says the layer's experts
    ///     need.
    func start(
        _ part: Int,
        layer: LayerIndex,
        activations: Activations,
        routing: Routing
    ) throws(ExpertRunnerError)

    /// Adds the weighted expert outputs of a batch that was started to `sums`.
    ///
    /// - Parameter sums: `[rows, hidden]`, f64, multiples of 2^-36.
    func finish(_ part: Int, into sums: inout [Double]) throws(ExpertRunnerError)

    /// Forgets every batch under way: after an error nobody finishes them.
    func cancel()

    /// Which experts rows may go to; nil for all, as the model wants it. Stays the same while a
    /// step is under way.
    ///
    /// A row whose expert is absent takes its next-ranked present one (eMoE, section 4 of arXiv
    /// 2503.06823): what is computed then is not what the model says.
    var present: PresentExperts? { get }

    /// Layers with experts ahead of the one under way whose choice it wants to be told early; 0 to
    /// be told nothing.
    var foresight: Int { get }

    /// Tells what a later layer's router would choose for a batch as it is now: a guess, which is
    /// mostly right.
    ///
    /// - Parameter distance: how many layers with experts it is ahead of the one that was started
    ///   last, from 1 to `foresight`, the nearest told first; 0 for the layer that comes next, once
    ///   all before it are done.
    func foresee(_ part: Int, layer: LayerIndex, distance: Int, routing: Routing)
}

extension ExpertRunner {
    public var present: PresentExperts? { nil }

    public var foresight: Int { 0 }

    public func foresee(_ part: Int, layer: LayerIndex, distance: Int, routing: Routing) {}
}

/// Why a layer's experts could not be computed.
public enum ExpertRunnerError: Error, Equatable, CustomStringConvertible {
    /// The worker's process died or its connection broke.
    case workerLost(worker: String, layer: LayerIndex, reason: String)
    /// The worker holds its connection but did not answer in time.
    case workerSilent(worker: String, layer: LayerIndex, waited: Duration)
    /// The worker answered that it will not compute its share.
    case shareRefused(worker: String, layer: LayerIndex, reason: String)
    /// Nobody who holds some of the experts came back in time; `reason` names both.
    case expertsMissing(layer: LayerIndex, reason: String)
    /// What the step waits for is cut otherwise by now: it can run again, from its first layer.
    case cutChanged(layer: LayerIndex)
    /// The cluster was not complete to begin with, or its coordinator stops.
    case notReady(reason: String)

    public var description: String {
        switch self {
        case .workerLost(let worker, let layer, let reason):
            "worker '\(worker)' was lost while it computed layer \(layer.rawValue): \(reason)"
        case .workerSilent(let worker, let layer, let waited):
            "worker '\(worker)' did not answer for \(waited) "
                + "while it computed layer \(layer.rawValue)"
        case .shareRefused(let worker, let layer, let reason):
            "worker '\(worker)' refused its share of layer \(layer.rawValue): \(reason)"
        case .expertsMissing(_, let reason):
            reason
        case .cutChanged(let layer):
            "experts of layer \(layer.rawValue) were cut anew too often "
                + "while a step waited for them"
        case .notReady(let reason):
            "the cluster cannot compute: \(reason)"
        }
    }
}
