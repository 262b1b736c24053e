import Cluster
import Messaging
import Model
import Wire

// What workers that read experts from disk are told of layers and work that have not come.
extension RemoteRunner {
    var foresight: Int { hints.areWanted ? 1 : 0 }

    func foresee(_ index: Int, layer: LayerIndex, distance: Int, routing: Routing) {
        lossy.expect(routing)
        hints.write(
            layer,
            distance: distance,
            routing,
            exchange.dispatch,
            isOfUse: { lossy.isOfUse($0, to: $1) }
        ) { message, worker in
            guard isReached[worker] else { return }
            do throws(MessagingError) {
                try socket.send(message, to: peers[worker])
            } catch {
                // It is noticed by the next share, if it is gone; without a hint it is only slower.
            }
        }
    }

    /// Tells workers what coming work is expected to use, while nothing is computed.
    ///
    /// - Parameters:
    ///   - tasks: of all requests that have not ended.
    ///   - ranking: the most wanted experts first; asked for where it may be another one.
    /// - Returns: how soon to call it again, where somebody could not be told; nil where that is
    ///   not needed.
    func tellOutlook(for tasks: Set<String>, ranking: () -> [ExpertID]) -> Duration? {
        if outlook.isDue(for: tasks) { outlook.adopt(ranking(), for: tasks, now: clock.now) }
        let limit = WireLimits().outlookCount
        for worker in outlook.untold {
            let experts = outlook.experts.filter {
                exchange.dispatch.holders(of: $0).contains(worker)
            }
            let message = FrameList()
            Outlook(Array(experts.prefix(limit))).write(into: message)
            do throws(MessagingError) {
                try socket.send(message, to: peers[worker])
                outlook.onTold(worker)
            } catch {
                // Its connection does not stand yet, or no more: it is tried again for a while.
            }
        }
        return outlook.retryPause(now: clock.now)
    }
}
