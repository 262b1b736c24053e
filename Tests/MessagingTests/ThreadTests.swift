import Foundation
import Glibc
import Messaging
import Synchronization
import Testing

@Suite struct ThreadTests {
    @Test("A named thread carries its name and can be joined")
    func name() throws {
        let seen = Mutex("")
        let thread = try NamedThread("moiety-test") {
            let text = try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
            seen.withLock { $0 = text ?? "" }
        }
        thread.join()
        #expect(seen.withLock { $0 } == "moiety-test\n")
    }

    @Test("The end of a thread can be awaited, before it and after")
    func finished() async throws {
        let waker = try Waker()
        let thread = try NamedThread("moiety-test") {
            var poller = Poller()
            _ = try? poller.wait(for: [], or: waker, timeout: patience)
        }
        async let end: Void = thread.finished()
        waker.wake()
        await end
        await thread.finished()
        thread.join()
    }

    @Test("A waker ends the sleep of another thread")
    func waker() throws {
        let waker = try Waker()
        let waking = try NamedThread("moiety-test") { waker.wake() }
        var poller = Poller()
        let readiness = try poller.wait(for: [], or: waker, timeout: patience)
        waking.join()
        #expect(readiness.isWoken && readiness.sockets.isEmpty)
        waker.clear()
        #expect(try poller.wait(for: [], or: waker, timeout: .zero).isTimeUp)
    }

    @Test("The poller names the sockets that have messages")
    func readySockets() throws {
        let context = try MessagingContext()
        let directory = try TemporaryDirectory()
        let routers = try Place.allCases.map { _ in try Socket(.router, in: context) }
        var dealers: [Socket] = []
        for (router, place) in zip(routers, Place.allCases) {
            let bound = try router.bind(place.endpoint(in: directory))
            dealers.append(try .connected(to: bound, in: context))
        }
        var poller = Poller()
        #expect(try poller.wait(for: routers, timeout: .zero).isTimeUp)
        try dealers[2].send([[1]])
        #expect(try poller.wait(for: routers, timeout: patience).sockets == [2])
        _ = try routers[2].next()
        #expect(try poller.wait(for: routers, timeout: .milliseconds(1)).isTimeUp)
    }

    @Test("Signals neither end nor prolong a sleep")
    func interruptions() throws {
        // A handler without SA_RESTART interrupts every sleep of the thread that gets the signal.
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = { _ in }
        #expect(unsafe sigaction(SIGUSR2, &action, nil) == 0)
        let sleeper = pthread_self()
        let isDone = Mutex(false)
        let signals = try NamedThread("moiety-test") {
            while !isDone.withLock({ $0 }) {
                pthread_kill(sleeper, SIGUSR2)
                sched_yield()
            }
        }
        var poller = Poller()
        let clock = ContinuousClock()
        let start = clock.now
        let readiness = try poller.wait(for: [], timeout: .milliseconds(50))
        let slept = clock.now - start
        isDone.withLock { $0 = true }
        signals.join()
        #expect(readiness.isTimeUp)
        #expect(slept >= .milliseconds(50) && slept < patience)
    }
}
