import Foundation
import Messaging
import Testing

@Suite struct SocketTests {
    let context: MessagingContext

    init() throws { context = try MessagingContext() }

    @Test("Messages go both ways over every transport", arguments: Place.allCases)
    func echo(place: Place) throws {
        let directory = try TemporaryDirectory()
        let router = try Socket(.router, in: context)
        let bound = try router.bind(place.endpoint(in: directory))
        let dealer = try Socket.connected(to: bound, in: context, options: .named("w1"))

        try dealer.send([[1], [], [2, 3]])
        let question = try router.next()
        #expect(question == ReceivedMessage(peer: Peer("w1"), frames: [[1], [], [2, 3]]))
        try router.send([[4], [5]], to: Peer("w1"))
        #expect(try dealer.next() == ReceivedMessage(peer: nil, frames: [[4], [5]]))
    }

    @Test("A frame of megabytes arrives whole")
    func largeFrame() throws {
        let directory = try TemporaryDirectory()
        let router = try Socket(.router, in: context)
        let bound = try router.bind(Place.tcp.endpoint(in: directory))
        let dealer = try Socket.connected(to: bound, in: context)
        let frame = (0..<(4 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
        try dealer.send([frame, [7]])
        #expect(try router.next().frames == [frame, [7]])
    }

    @Test("Binding to any port tells which one it became")
    func wildcardBind() throws {
        let router = try Socket(.router, in: context)
        let bound = try router.bind(Endpoint("tcp://localhost:*"))
        guard case .tcp(let host, let port) = bound.transport else {
            Issue.record("bound \(bound)")
            return
        }
        #expect(host == "127.0.0.1" && port != 0)
    }

    @Test("Binding an address in use says so")
    func addressInUse() throws {
        let first = try Socket(.router, in: context)
        let bound = try first.bind(Endpoint("tcp://127.0.0.1:0"))
        let second = try Socket(.router, in: context)
        #expect(throws: MessagingError.addressInUse(bound)) { try second.bind(bound) }
    }

    @Test(
        "Binding what other machines reach needs keys",
        arguments: ["tcp://*:0", "tcp://0.0.0.0:0", "tcp://[::]:0", "tcp://192.0.2.1:0"]
    )
    func nonLoopback(text: String) throws {
        let endpoint = try Endpoint(text)
        let router = try Socket(.router, in: context)
        #expect(throws: MessagingError.keysNeeded(endpoint)) { try router.bind(endpoint) }
    }

    @Test("Binding in a directory that is not there names the endpoint")
    func missingDirectory() throws {
        let endpoint = try Endpoint("ipc:///nowhere/at/all")
        let router = try Socket(.router, in: context)
        #expect {
            try router.bind(endpoint)
        } throws: { error in
            guard case MessagingError.endpointRefused(endpoint, "bind", _) = error else {
                return false
            }
            return true
        }
    }

    @Test("A message to a peer that is not there is not sent")
    func unroutable() throws {
        let router = try Socket(.router, in: context)
        try router.bind(Endpoint("tcp://127.0.0.1:0"))
        #expect(throws: MessagingError.unroutable(Peer("w9"))) {
            try router.send([[1]], to: Peer("w9"))
        }
    }

    @Test("A dealer without a connection sends nothing")
    func notConnected() throws {
        let dealer = try Socket(.dealer, in: context)
        try dealer.connect(Endpoint("tcp://127.0.0.1:1"))
        #expect(throws: MessagingError.queueFull(nil)) { try dealer.send([[1]]) }
        #expect(try dealer.waitUntilSendable(timeout: .zero) == false)
    }

    @Test("A peer that does not read fills its queue and blocks nobody")
    func fullQueue() throws {
        let limits = MessagingLimits(queuedMessageCount: 4)
        let router = try Socket(.router, in: context, options: .limited(limits))
        let bound = try router.bind(Endpoint("inproc://\(UUID().uuidString)"))
        var options = SocketOptions.named("slow")
        options.limits = limits
        let slow = try Socket.connected(to: bound, in: context, options: options)
        try slow.send([[0]])
        _ = try router.next()

        var sentCount = 0
        #expect(throws: MessagingError.queueFull(Peer("slow"))) {
            for index in 0..<100 {
                try router.send([[UInt8(index)], [1], [2]], to: Peer("slow"))
                sentCount += 1
            }
        }
        #expect((4...8).contains(sentCount))
        for index in 0..<sentCount {
            #expect(try slow.next().frames == [[UInt8(index)], [1], [2]])
        }
    }

    @Test("A message beyond our own limits is not sent")
    func ownLimits() throws {
        let limits = MessagingLimits(frameCount: 2, frameByteCount: 8)
        let dealer = try Socket(.dealer, in: context, options: .limited(limits))
        #expect(
            throws: MessagingError.messageTooLarge(frameCount: 3, largestFrameByteCount: 1)
        ) { try dealer.send([[1], [2], [3]]) }
        #expect(
            throws: MessagingError.messageTooLarge(frameCount: 1, largestFrameByteCount: 9)
        ) { try dealer.send([Array(repeating: 0, count: 9)]) }
    }

    @Test(
        "Too many frames are dropped and counted, and others are served",
        arguments: Place.allCases
    )
    func tooManyFrames(place: Place) throws {
        let directory = try TemporaryDirectory()
        let limits = MessagingLimits(frameCount: 2, frameByteCount: 1024)
        let router = try Socket(.router, in: context, options: .limited(limits))
        let bound = try router.bind(place.endpoint(in: directory))
        let rude = try Socket.connected(to: bound, in: context, options: .named("rude"))
        try rude.send([[1], [2], [3]])
        try rude.send([[4]])
        #expect(try router.next() == ReceivedMessage(peer: Peer("rude"), frames: [[4]]))
        #expect(router.droppedMessageCount == 1)
    }

    @Test("An oversize frame inside the process is dropped and counted")
    func oversizeInside() throws {
        let limits = MessagingLimits(frameByteCount: 1024)
        let router = try Socket(.router, in: context, options: .limited(limits))
        let bound = try router.bind(Endpoint("inproc://\(UUID().uuidString)"))
        let rude = try Socket.connected(to: bound, in: context)
        try rude.send([[1], Array(repeating: 0, count: 1025)])
        try rude.send([[2], Array(repeating: 0, count: 1024)])
        #expect(try router.next().frames[0] == [2])
        #expect(router.droppedMessageCount == 1)
    }

    @Test(
        "An oversize frame costs its sender the connection and nobody else",
        arguments: [Place.ipc, .tcp]
    )
    func oversizeOutside(place: Place) throws {
        let directory = try TemporaryDirectory()
        let limits = MessagingLimits(frameByteCount: 1024)
        let router = try Socket(.router, in: context, options: .limited(limits))
        let bound = try router.bind(place.endpoint(in: directory))
        let polite = try Socket.connected(to: bound, in: context, options: .named("polite"))
        let rude = try Socket.connected(to: bound, in: context, options: .named("rude"))
        try rude.send([Array(repeating: 0, count: 1025)])
        for round in UInt8(0)..<50 {
            try polite.send([[round]])
            #expect(try router.next() == ReceivedMessage(peer: Peer("polite"), frames: [[round]]))
            try router.send([[round]], to: Peer("polite"))
            #expect(try polite.next().frames == [[round]])
        }
    }

    @Test("A peer that comes back under its name takes the name over")
    func handover() throws {
        let directory = try TemporaryDirectory()
        let router = try Socket(.router, in: context)
        let bound = try router.bind(Place.ipc.endpoint(in: directory))
        let old = try Socket.connected(to: bound, in: context, options: .named("w1"))
        try old.send([[1]])
        _ = try router.next()
        let new = try Socket.connected(to: bound, in: context, options: .named("w1"))
        try new.send([[2]])
        #expect(try router.next().frames == [[2]])
        try router.send([[3]], to: Peer("w1"))
        #expect(try new.next().frames == [[3]])
    }

    @Test("A last message leaves after the socket is closed, where it may linger")
    func linger() throws {
        let directory = try TemporaryDirectory()
        let router = try Socket(.router, in: context)
        let bound = try router.bind(Place.tcp.endpoint(in: directory))
        do {
            var options = SocketOptions()
            options.linger = .seconds(10)
            let dealer = try Socket.connected(to: bound, in: context, options: options)
            try dealer.send([[9]])
        }
        #expect(try router.next().frames == [[9]])
    }

    @Test("Libraries with known holes are refused")
    func oldLibraries() {
        for version in [LibraryVersion(4, 3, 3), LibraryVersion(4, 2, 9), LibraryVersion(3, 9, 9)] {
            #expect(throws: MessagingError.self) { try version.requireSafe() }
        }
        for version in [LibraryVersion(4, 3, 4), LibraryVersion(4, 4, 0), LibraryVersion(5, 0, 0)] {
            #expect(throws: Never.self) { try version.requireSafe() }
        }
    }
}
