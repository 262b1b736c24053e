import Cluster
import HeapModule
import Synchronization

/// The one clock of a simulation; it stands still until an event moves it.
final class VirtualTime: Sendable {
    private let nanoseconds = Atomic<Int64>(0)

    var now: Instant { Instant(nanoseconds: nanoseconds.load(ordering: .relaxed)) }
    var clock: LoopClock { LoopClock { self.now } }

    fileprivate func move(to instant: Instant) {
        nanoseconds.store(instant.nanoseconds, ordering: .relaxed)
    }
}

/// What happens when: events in the order of their time, and of their making where that is equal.
final class Agenda {
    private struct Event: Comparable {
        let at: Instant
        let order: UInt64
        let action: () -> Void

        static func < (left: Event, right: Event) -> Bool {
            (left.at, left.order) < (right.at, right.order)
        }

        static func == (left: Event, right: Event) -> Bool { left.order == right.order }
    }

    let time = VirtualTime()
    private var events = Heap<Event>()
    private(set) var eventCount: UInt64 = 0
    private var isClosed = false

    var now: Instant { time.now }
    /// When the next event is due.
    var next: Instant? { events.min?.at }

    func after(_ delay: Duration, _ action: @escaping () -> Void) {
        guard !isClosed else { return }
        eventCount += 1
        events.insert(Event(at: now + delay, order: eventCount, action: action))
    }

    /// Runs the next event, at its time.
    func runNext() {
        guard let event = events.popMin() else { return }
        time.move(to: max(now, event.at))
        event.action()
    }

    /// Drops what was to come, and with it what it refers to, and takes nothing more.
    func close() {
        isClosed = true
        events = Heap()
    }

    /// Lets time pass in which nothing happens.
    func pass(to instant: Instant) { time.move(to: max(now, instant)) }
}
