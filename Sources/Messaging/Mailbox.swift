import Synchronization

/// By which other threads hand values to the one thread that polls.
public final class Mailbox<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var isClosed = false
    }

    /// Woken whenever there is something to take.
    ///
    /// For the receiving thread's `Poller`.
    public let waker: Waker
    /// Elements that may wait; the receiver is far behind when there are so many.
    public let limit: Int
    private let state = Mutex(State())

    public init(limit: Int) throws(MessagingError) {
        precondition(limit > 0, "a mailbox for \(limit) elements holds none")
        self.limit = limit
        waker = try Waker()
    }

    /// Hands `element` over.
    ///
    /// From any thread; never waits.
    ///
    /// - Returns: Whether it was taken; not when the mailbox is full or closed.
    public func post(_ element: Element) -> Bool {
        let (isTaken, isFirst) = state.withLock { state in
            guard !state.isClosed, state.elements.count < limit else { return (false, false) }
            state.elements.append(element)
            return (true, state.elements.count == 1)
        }
        // Whoever posted the first one has woken the receiver for the others too.
        if isFirst { waker.wake() }
        return isTaken
    }

    /// Takes no more elements.
    ///
    /// What waits can still be taken.
    public func close() {
        state.withLock { $0.isClosed = true }
        waker.wake()
    }

    public var isClosed: Bool { state.withLock { $0.isClosed } }

    /// How many elements wait to be taken.
    public var count: Int { state.withLock { $0.elements.count } }

    /// Everything that waits, oldest first.
    ///
    /// For the receiving thread.
    public func takeAll() -> [Element] {
        waker.clear()
        return state.withLock { state in
            let elements = state.elements
            state.elements = []
            return elements
        }
    }
}
