import Messaging
import Testing

@Suite("Frames where they lie")
struct FrameListTests {
    let context: MessagingContext

    init() throws { context = try MessagingContext() }

    @Test("go both ways over every transport, again and again", arguments: Place.allCases)
    func echo(place: Place) throws {
        let directory = try TemporaryDirectory()
        let router = try Socket(.router, in: context)
        let bound = try router.bind(place.endpoint(in: directory))
        let dealer = try Socket.connected(to: bound, in: context, options: .named("w1"))
        let sent = FrameList()
        let received = FrameList()
        for round in UInt8(0)..<3 {
            let frames = [[round], [], [2, 3], Array(repeating: round, count: 100_000)]
            for frame in frames { sent.append(frame) }
            try dealer.send(sent, to: nil)
            #expect(sent.isEmpty)
            try router.next(into: received)
            #expect(received.peer == Peer("w1") && received.copies == frames)
            sent.append([round, round])
            try router.send(sent, to: Peer("w1"))
            try dealer.next(into: received)
            #expect(received.peer == nil && received.copies == [[round, round]])
        }
    }

    @Test("hold what was written to them")
    func contents() {
        let frames = FrameList(capacity: 2)
        frames.append(byteCount: 3) { span in
            for index in 0..<3 {
                span.storeBytes(of: UInt8(index), toByteOffset: index, as: UInt8.self)
            }
        }
        frames.append([])
        #expect(frames.count == 2 && frames.copies == [[0, 1, 2], []])
        #expect(frames.byteCount(of: 0) == 3)
        frames.removeAll()
        #expect(frames.isEmpty && frames.copies.isEmpty)
        #expect(FrameList([[1], [2]]).copies == [[1], [2]])
        #expect(FrameList([]).isEmpty)
    }

    @Test("are let go where nobody takes them")
    func unroutable() throws {
        let directory = try TemporaryDirectory()
        let router = try Socket(.router, in: context)
        try router.bind(Place.ipc.endpoint(in: directory))
        let frames = FrameList([[1], [2]])
        #expect(throws: MessagingError.unroutable(Peer("nobody"))) {
            try router.send(frames, to: Peer("nobody"))
        }
        #expect(frames.isEmpty)
        let large = FrameList([Array(repeating: 0, count: 200)])
        var limits = MessagingLimits()
        limits.frameByteCount = 100
        let small = try Socket(.router, in: context, options: .limited(limits))
        #expect(throws: MessagingError.messageTooLarge(frameCount: 1, largestFrameByteCount: 200)) {
            try small.send(large, to: Peer("nobody"))
        }
    }

    @Test("of too many messages at once are thrown away and counted")
    func tooMany() throws {
        let directory = try TemporaryDirectory()
        let router = try Socket(.router, in: context)
        let bound = try router.bind(Place.ipc.endpoint(in: directory))
        let dealer = try Socket.connected(to: bound, in: context)
        try dealer.send(Array(repeating: [1], count: 3))
        try dealer.send([[2]])
        let narrow = FrameList(capacity: 2)
        try router.next(into: narrow)
        #expect(narrow.copies == [[2]] && router.droppedMessageCount == 1)
    }

    @Test("A frame beyond the first and the last is our own mistake")
    func beyond() async {
        await #expect(processExitsWith: .failure) { _ = FrameList([[1]]).byteCount(of: 1) }
        await #expect(processExitsWith: .failure) {
            let full = FrameList(capacity: 1)
            full.append([1])
            full.append([2])
        }
    }
}

extension Socket {
    /// The next message, waiting for it.
    fileprivate func next(into frames: FrameList) throws {
        var poller = Poller(spin: .microseconds(50))
        let clock = ContinuousClock()
        let deadline = clock.now + patience
        while clock.now < deadline {
            if try receive(into: frames) { return }
            _ = try poller.wait(for: [self], timeout: deadline - clock.now)
        }
        throw NothingArrived()
    }
}
