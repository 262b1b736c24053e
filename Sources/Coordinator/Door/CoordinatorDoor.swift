import Messaging
import Synchronization

/// By which others in this process use the coordinator: from any thread, never waiting for it.
///
/// It exists before the coordinator has loaded its model, and after it has ended.
package final class CoordinatorDoor: Sendable {
    private enum State {
        case starting
        case open(Mailbox<LoopCommand>, ServedModel, contextLength: Int)
        case closed
    }

    private let state = Mutex(State.starting)
    private let address = Mutex<String?>(nil)

    package init() {}

    // MARK: For those outside

    /// The model that is served, and the positions of its context that a job may use; nil before
    /// it is loaded and after the end.
    package var served: (model: ServedModel, contextLength: Int)? {
        state.withLock { state in
            guard case .open(_, let model, let contextLength) = state else { return nil }
            return (model, contextLength)
        }
    }

    /// Asks for jobs, all or none.
    ///
    /// - Returns: what becomes of them. Who stops listening cancels them.
    package func submit(_ orders: [JobOrder]) -> JobsAsked {
        let inbox = inbox
        let (client, news) = LocalClient.make { client in _ = inbox?.post(.leave(client)) }
        let jobs = JobsAsked(client: client, news: news)
        if inbox?.post(.submit(orders, client)) != true {
            let refusal = inbox?.isClosed == false ? JobRefusal.busy : .shuttingDown
            _ = client.tell(.refused(refusal))
        }
        return jobs
    }

    /// What there is to know of the coordinator; nil before it serves and after the end.
    package func inspect() async -> Inspection? {
        guard let inbox else { return nil }
        return await withCheckedContinuation { continuation in
            _ = inbox.post(.inspect(Reply(continuation)))
        }
    }

    /// Says where HTTP is served, so that the coordinator tells others.
    package func announce(httpAddress: String) { address.withLock { $0 = httpAddress } }

    private var inbox: Mailbox<LoopCommand>? {
        state.withLock { state in
            guard case .open(let inbox, _, _) = state else { return nil }
            return inbox
        }
    }

    // MARK: For the coordinator

    var httpAddress: String? { address.withLock { $0 } }

    /// Lets in what is asked for.
    func open(_ inbox: Mailbox<LoopCommand>, _ model: ServedModel, contextLength: Int) {
        state.withLock { $0 = .open(inbox, model, contextLength: contextLength) }
    }

    /// Answers what nobody looked at, by letting go of it; for the loop thread, at its end.
    func close(_ inbox: Mailbox<LoopCommand>) {
        state.withLock { $0 = .closed }
        inbox.close()
        _ = inbox.takeAll()
    }
}

/// A question's way back; who lets go of it unanswered has answered nil.
package final class Reply<Answer: Sendable>: Sendable {
    private let waiting: Mutex<CheckedContinuation<Answer?, Never>?>

    init(_ continuation: CheckedContinuation<Answer?, Never>) { waiting = Mutex(continuation) }

    deinit { give(nil) }

    /// Answers; only the first time counts.
    func give(_ answer: Answer?) {
        let continuation = waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting
        }
        continuation?.resume(returning: answer)
    }
}
