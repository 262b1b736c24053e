import Foundation
import Messaging
import Testing

/// What a bound socket knows about those who come and go, and whom it takes a place from.
@Suite struct ConnectionTests {
    let context: MessagingContext

    init() throws { context = try MessagingContext() }

    @Test("Connections are counted as they come and go", arguments: [Place.ipc, .tcp])
    func counts(place: Place) throws {
        let directory = try TemporaryDirectory()
        var options = SocketOptions()
        options.handshakeTime = patience
        let router = try Socket(.router, in: context, options: options)
        let bound = try router.bind(place.endpoint(in: directory))
        do {
            let peers = try (0..<5).map { _ in
                try Socket.connected(to: bound, in: context, options: options)
            }
            for peer in peers { try peer.send([[1]]) }
            for _ in peers { _ = try router.next() }
            // What is told of connections comes by another way than their messages. The peers are
            // not used again and would be closed meanwhile.
            try withExtendedLifetime(peers) {
                try wait { router.connections.open == 5 }
                #expect(router.connections.accepted == 5)
            }
        }
        try wait { router.connections.open == 0 }
        #expect(router.connections.ended == 5)
        #expect(router.connections.failedHandshakes == 0)
    }

    @Test("Whoever does not speak the protocol is counted, and dropped in time")
    func handshake() throws {
        let directory = try TemporaryDirectory()
        var options = SocketOptions()
        options.handshakeTime = .milliseconds(50)
        let router = try Socket(.router, in: context, options: options)
        let bound = try router.bind(Place.ipc.endpoint(in: directory))
        let silent = try LocalConnection(directory.path + "/socket")
        try wait { router.connections.failedHandshakes == 1 }
        try wait { router.connections.open == 0 }
        #expect(router.connections.accepted == 1)
        silent.close()
        let polite = try Socket.connected(to: bound, in: context)
        // A machine that stalls makes polite ones late, too.
        try wait {
            try? polite.send([[1]])
            return (try? router.receive())?.frames == [[1]]
        }
    }

    @Test("A frame beyond the limit is seen as a connection that ended")
    func oversize() throws {
        let directory = try TemporaryDirectory()
        let limits = MessagingLimits(frameByteCount: 1024)
        let router = try Socket(.router, in: context, options: .limited(limits))
        let bound = try router.bind(Place.ipc.endpoint(in: directory))
        let rude = try Socket.connected(to: bound, in: context)
        try rude.send([Array(repeating: 0, count: 1025)])
        try wait { router.connections.ended >= 1 }
    }

    @Test("A path where somebody listens is not taken over")
    func livePath() throws {
        let directory = try TemporaryDirectory()
        let first = try Socket(.router, in: context)
        let bound = try first.bind(Place.ipc.endpoint(in: directory))
        let second = try Socket(.router, in: context)
        #expect(throws: MessagingError.addressInUse(bound)) { try second.bind(bound) }
        // It is still the first one's.
        let peer = try Socket.connected(to: bound, in: context)
        try peer.send([[1]])
        #expect(try first.next().frames == [[1]])
    }

    @Test("A path that a killed process left behind is taken")
    func stalePath() throws {
        let directory = try TemporaryDirectory()
        try LocalConnection.leaveBehind(directory.path + "/socket")
        let router = try Socket(.router, in: context)
        let bound = try router.bind(Place.ipc.endpoint(in: directory))
        let peer = try Socket.connected(to: bound, in: context)
        try peer.send([[1]])
        #expect(try router.next().frames == [[1]])
    }

    @Test("Binding where a file is does not remove the file")
    func file() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/socket"
        try Data("precious".utf8).write(to: URL(filePath: path))
        let router = try Socket(.router, in: context)
        let endpoint = try Place.ipc.endpoint(in: directory)
        #expect {
            try router.bind(endpoint)
        } throws: { error in
            "\(error)".contains("a file that is no socket is there")
        }
        #expect(try Data(contentsOf: URL(filePath: path)) == Data("precious".utf8))
    }
}
