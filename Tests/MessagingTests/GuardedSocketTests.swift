import Foundation
import Messaging
import Synchronization
import Testing

/// Whom a doorkeeper has sent away.
private final class Refusals: Sendable {
    private let list = Mutex<[Doorkeeper.Refusal]>([])

    var all: [Doorkeeper.Refusal] { list.withLock { $0 } }
    func add(_ refusal: Doorkeeper.Refusal) { list.withLock { $0.append(refusal) } }
    func forget() { list.withLock { $0 = [] } }
}

/// Sockets that take only those whose keys are listed.
@Suite("Sockets with keys") final class GuardedSocketTests {
    private let directory: String
    private let context: MessagingContext
    private let own: KeyPair
    private let keys: AllowedKeys
    private let refusals = Refusals()
    private var keeper: Doorkeeper?
    private var list = AllowList()

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(
            path: "moiety-\(UUID().uuidString)"
        )
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        directory = url.path
        context = try MessagingContext()
        own = try KeyPair()
        try KeyFile.write(list, to: directory + "/allowed")
        keys = try AllowedKeys(path: directory + "/allowed", own: own.publicKey)
        let refusals = refusals
        keeper = try Doorkeeper(of: context, keys: keys) { refusals.add($0) }
    }

    deinit {
        keeper?.stop()
        try? FileManager.default.removeItem(atPath: directory)
    }

    private func listed(_ role: KeyRole, _ name: String) throws -> KeyPair {
        let pair = try KeyPair()
        #expect(list.add(try #require(.init(role: role, name: name, key: pair.publicKey))))
        try KeyFile.write(list, to: directory + "/allowed")
        return pair
    }

    private func door(_ door: SocketSecurity.Door) throws -> (Socket, Endpoint) {
        var options = SocketOptions()
        options.security = .server(own, door: door)
        let socket = try Socket(.router, in: context, options: options)
        return (socket, try socket.bind(Endpoint("tcp://127.0.0.1:*")))
    }

    private func options(_ pair: KeyPair?, server: PublicKey? = nil) -> SocketOptions {
        var options = SocketOptions()
        options.security = pair.map { .client($0, server: server ?? own.publicKey) }
        return options
    }

    @Test("Whoever is listed comes in, and each message says whose it is")
    func listedKey() throws {
        let (router, bound) = try door(.workers)
        let pair = try listed(.worker, "w1")
        let dealer = try Socket.connected(to: bound, in: MessagingContext(), options: options(pair))
        try dealer.send([[1], [2]])
        let message = try router.next()
        #expect(message.frames == [[1], [2]])
        #expect(message.sender == pair.publicKey)
        let frames = FrameList()
        try dealer.send([[3]])
        var poller = Poller()
        while try !router.receive(into: frames) {
            _ = try poller.wait(for: [router], timeout: patience)
        }
        #expect(frames.sender == pair.publicKey)
        try router.send([[4]], to: message.peer)
        #expect(try dealer.next().frames == [[4]])
        #expect(refusals.all.isEmpty)
    }

    @Test("Two keys of one name count until the older one is struck")
    func rotation() throws {
        let (router, bound) = try door(.workers)
        let (old, new) = (try listed(.worker, "w1"), try listed(.worker, "w1"))
        for pair in [old, new] {
            let dealer = try Socket.connected(
                to: bound,
                in: MessagingContext(),
                options: options(pair)
            )
            try dealer.send([[1]])
            #expect(try router.next().sender == pair.publicKey)
        }
        _ = list.remove(old.publicKey.description)
        try KeyFile.write(list, to: directory + "/allowed")
        #expect(keys.entry(of: old.publicKey) == nil)
        #expect(keys.entry(of: new.publicKey)?.name == "w1")
        try expectRefused(options(old), at: bound, router, "its key is not listed")
    }

    @Test("Strangers, wrong roles, and those who show no key or mean another stay outside")
    func refused() throws {
        let (router, bound) = try door(.workers)
        let client = try listed(.client, "c1")
        try expectRefused(options(try KeyPair()), at: bound, router, "its key is not listed")
        try expectRefused(options(client), at: bound, router, "'c1' is listed as client")
        // These fail before anybody asks the doorkeeper.
        try expectRefused(options(nil), at: bound, router, nil)
        let worker = try listed(.worker, "w1")
        let other = try KeyPair().publicKey
        try expectRefused(options(worker, server: other), at: bound, router, nil)
        #expect(refusals.all.allSatisfy { $0.address == "127.0.0.1" })
    }

    private func expectRefused(
        _ options: SocketOptions,
        at bound: Endpoint,
        _ router: Socket,
        _ reason: String?
    ) throws {
        refusals.forget()
        let before = router.connections.failedHandshakes
        let dealer = try Socket(.dealer, in: MessagingContext(), options: options)
        try dealer.connect(bound)
        try wait { router.connections.failedHandshakes > before }
        #expect(try dealer.waitUntilSendable(timeout: .zero) == false)
        #expect(try router.receive() == nil)
        guard let reason else { return }
        try wait { self.refusals.all.contains { $0.reason == reason } }
        try wait { router.connections.refusedKeys > 0 }
    }

    @Test("Where nobody keeps the door, nobody comes in")
    func noDoorkeeper() throws {
        let pair = try listed(.worker, "w1")
        var options = SocketOptions()
        options.security = .server(own, door: .workers)
        let router = try Socket(.router, in: MessagingContext(), options: options)
        let bound = try router.bind(Endpoint("tcp://127.0.0.1:*"))
        try expectRefused(self.options(pair), at: bound, router, nil)
        try expectRefused(self.options(nil), at: bound, router, nil)
    }

    @Test("An address that opens connection after connection is refused, and others are not")
    func crowd() throws {
        let (router, bound) = try door(.workers)
        guard case .tcp(_, let port) = bound.transport else { return }
        // This machine has all addresses that begin with 127.
        let crowd = "127.9.9.9"
        while router.connections.refused == 0 {
            try StrangerConnection(from: crowd, to: port).close()
        }
        // Others of this process take refusals, too.
        try wait {
            (try? StrangerConnection(from: crowd, to: port))?.close()
            return ConnectionGate.shared.takeRefusals().contains {
                "\($0.address?.description ?? "")" == crowd
            }
        }
        let pair = try listed(.worker, "w1")
        let dealer = try Socket.connected(to: bound, in: MessagingContext(), options: options(pair))
        try dealer.send([[1]])
        #expect(try router.next().frames == [[1]])
    }

    @Test("With keys a socket may listen where other machines reach it")
    func everywhere() throws {
        var options = SocketOptions()
        options.security = .server(own, door: .clients)
        let router = try Socket(.router, in: context, options: options)
        _ = try router.bind(Endpoint("tcp://0.0.0.0:*"))
        let open = try Socket(.router, in: context)
        #expect(throws: MessagingError.self) { try open.bind(Endpoint("tcp://0.0.0.0:*")) }
    }

    @Test("Nothing that is said can be read on the way")
    func secrecy() throws {
        let (router, bound) = try door(.workers)
        let pair = try listed(.worker, "w1")
        guard case .tcp(_, let port) = bound.transport else { return }
        let wire = try RecordingRelay(to: port)
        let dealer = try Socket.connected(
            to: Endpoint("tcp://127.0.0.1:\(wire.port)"),
            in: MessagingContext(),
            options: options(pair)
        )
        let secret = Array("what nobody but the two of us may know".utf8)
        try dealer.send([secret])
        let message = try router.next()
        #expect(message.frames == [secret])
        try router.send([secret], to: message.peer)
        #expect(try dealer.next().frames == [secret])
        let seen = wire.bytes
        #expect(seen.count > 4 * secret.count)
        #expect(!seen.contains(Array(secret[0..<8])))
        #expect(!seen.contains(pair.publicKey.bytes))
    }
}
