import Cluster
import Messaging
import Model

// What workers that read experts from disk are told of layers that have not come.
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
}
