import Messaging
import Synchronization
import Testing

@Suite struct LoopTests {
    @Test("A mailbox gives everything back in order and wakes once it has something")
    func mailbox() throws {
        let mailbox = try Mailbox<Int>(limit: 3)
        #expect(mailbox.post(1) && mailbox.post(2) && mailbox.post(3))
        #expect(!mailbox.post(4), "a full mailbox refuses")
        var poller = Poller()
        #expect(try poller.wait(for: [], or: mailbox.waker, timeout: .zero).isWoken)
        #expect(mailbox.takeAll() == [1, 2, 3])
        #expect(try poller.wait(for: [], or: mailbox.waker, timeout: .zero).isTimeUp)
        #expect(mailbox.post(5))
        #expect(try poller.wait(for: [], or: mailbox.waker, timeout: .zero).isWoken)
    }

    @Test("A closed mailbox takes nothing more and still gives what waits")
    func closedMailbox() throws {
        let mailbox = try Mailbox<Int>(limit: 3)
        #expect(mailbox.post(1))
        mailbox.close()
        #expect(!mailbox.post(2))
        #expect(mailbox.takeAll() == [1])
    }

    @Test("Nothing posted from many threads is lost")
    func manyPosters() throws {
        let mailbox = try Mailbox<Int>(limit: 40_000)
        let posters = try (0..<4).map { poster in
            try NamedThread("moiety-test") {
                for index in 0..<10_000 { _ = mailbox.post(poster * 10_000 + index) }
            }
        }
        var taken: Set<Int> = []
        var poller = Poller()
        while taken.count < 40_000 {
            let readiness = try poller.wait(for: [], or: mailbox.waker, timeout: patience)
            try #require(!readiness.isTimeUp)
            taken.formUnion(mailbox.takeAll())
        }
        posters.forEach { $0.join() }
    }

    @Test("A loop answers messages, takes notes, keeps time, and says goodbye")
    func loop() async throws {
        let context = try MessagingContext()
        let directory = try TemporaryDirectory()
        let router = try Socket(.router, in: context)
        let bound = try router.bind(Place.ipc.endpoint(in: directory))
        let dealer = try Socket.connected(to: bound, in: context, options: .named("w1"))
        let mailbox = try Mailbox<UInt8>(limit: 8)
        let loop = try LoopThread("moiety-loop", mailbox: mailbox, handler: Echo(socket: router))

        try dealer.send([[1]])
        #expect(try dealer.next().frames == [[1], [0]], "an echo with the notes so far")
        #expect(mailbox.post(5))
        #expect(try dealer.next().frames == [[5]], "a note passed on")
        #expect(try dealer.next().frames == [[77]], "what was due 10 ms after the note")
        loop.stop()
        try await loop.finished()
        #expect(try dealer.next().frames == [[99]], "the goodbye")
        try loop.join()
    }

    @Test("A loop ends itself by closing its mailbox")
    func ownEnd() throws {
        let mailbox = try Mailbox<Int>(limit: 1)
        try LoopThread("moiety-loop", mailbox: mailbox, handler: Quitter(mailbox: mailbox)).join()
        #expect(!mailbox.post(1))
    }
}

/// Answers every message with itself and the number of notes taken.
private struct Echo: LoopHandler {
    let socket: Socket
    var noteCount: UInt8 = 0
    var due: ContinuousClock.Instant?

    var sockets: [Socket] { [socket] }

    mutating func onNote(_ note: UInt8) {
        noteCount += 1
        answer([[note]])
        due = ContinuousClock.now + .milliseconds(10)
    }

    mutating func onMessage(_ message: ReceivedMessage, from index: Int) {
        answer(message.frames + [[noteCount]])
    }

    mutating func onRound() -> Duration? {
        guard let due else { return nil }
        let rest = due - ContinuousClock.now
        guard rest <= .zero else { return rest }
        self.due = nil
        answer([[77]])
        return nil
    }

    mutating func onStop() { answer([[99]]) }

    private func answer(_ frames: [[UInt8]]) { try? socket.send(frames, to: Peer("w1")) }
}

private struct Quitter: LoopHandler {
    let mailbox: Mailbox<Int>

    var sockets: [Socket] { [] }
    mutating func onNote(_ note: Int) {}
    mutating func onMessage(_ message: ReceivedMessage, from index: Int) {}
    mutating func onRound() -> Duration? {
        mailbox.close()
        return nil
    }
    mutating func onStop() {}
}
