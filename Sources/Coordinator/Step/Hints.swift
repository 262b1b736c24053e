import Cluster
import Messaging
import Model
import Wire

/// What workers that read experts from disk are told of layers that have not come.
///
/// No result depends on it, so nobody answers it and nothing is sent again. Memory is kept from
/// layer to layer.
struct Hints {
    /// Whether hints are of use to a worker; `[worker]`.
    private var takers: [Bool] = []
    /// What each is told of; `[worker]`.
    private var experts: [[UInt32]] = []
    private let message = FrameList()
    private let limit = WireLimits().hintedCount

    /// Whether they are of use to anybody.
    private(set) var areWanted = false

    /// - Parameter takers: in the order of the plan's workers.
    mutating func adopt(_ takers: [Bool]) {
        self.takers = takers
        areWanted = takers.contains(true)
        experts = takers.map { _ in [] }
    }

    /// Sorts what a layer is expected to choose by who holds it, and has it sent.
    ///
    /// - Parameters:
    ///   - distance: as `ExpertRunner.foresee` has it.
    ///   - routing: the expected one; of many rows the first ones.
    ///   - dispatch: of the workers that `adopt` was told of.
    ///   - isOfUse: whether a worker is to be told of an expert.
    ///   - send: called for each of them that has experts of it, with what it is to be told.
    mutating func write(
        _ layer: LayerIndex,
        distance: Int,
        _ routing: Routing,
        _ dispatch: Dispatch,
        isOfUse: (Int32, _ worker: Int) -> Bool,
        send: (FrameList, _ worker: Int) -> Void
    ) {
        for worker in experts.indices { experts[worker].removeAll(keepingCapacity: true) }
        for index in routing.experts.prefix(limit) {
            let holders = dispatch.holders(of: ExpertID(layer: layer, index: Int(index)))
            for worker in holders where takers[worker] && isOfUse(index, worker) {
                experts[worker].append(UInt32(clamping: index))
            }
        }
        for worker in experts.indices where !experts[worker].isEmpty {
            message.removeAll()
            Hint(layer: layer, distance: distance, experts: experts[worker]).write(into: message)
            send(message, worker)
        }
    }
}
