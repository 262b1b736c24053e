import Cluster
import Messaging
import Wire

/// A simulated client's connection to the coordinator, which it greets whenever it is there.
final class ClientLine {
    let process: Process
    private unowned let world: SimulatedCluster
    private var socket: SimulatedSocket?
    private var handle: (ClientMessage) -> Void = { _ in }

    init(_ name: String, in world: SimulatedCluster) {
        process = Process(name)
        self.world = world
    }

    /// - Parameter handle: takes each message that comes.
    func open(
        onBreak: @escaping () -> Void,
        handle: @escaping (ClientMessage) -> Void
    ) throws {
        self.handle = handle
        var options = SocketOptions()
        options.requiresConnection = false
        let socket = world.network.dial(
            try Endpoint(CoordinatorHost.clientEndpoint),
            options: options,
            by: process,
            isHarsh: false,
            onOpen: { [weak self] in self?.send(.clientHello(ClientHello(build: "simulation"))) },
            onBreak: onBreak
        )
        self.socket = socket
        world.add(
            Loop(process) {
                socket.hasArrivals
            } turn: { [weak self] in
                self?.receiveAll()
                return .distantFuture
            }
        )
    }

    func send(_ message: ClientMessage) {
        do {
            try socket?.send(message.encode())
        } catch {
            world.fail("\(process.name) could not send: \(error)")
        }
    }

    func receiveAll() {
        do {
            while let received = try socket?.receive() {
                handle(try ClientMessage(frames: received.frames))
            }
        } catch {
            world.fail("\(process.name) got what it cannot read: \(error)")
        }
    }

    /// Goes without a word, as a process that was killed.
    func close() {
        process.end()
        world.network.remove(process, isNoticed: true)
        socket = nil
    }
}
