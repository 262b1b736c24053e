package import Messaging
package import Wire

/// What clients are still to hear, in order, while their queues have no room.
///
/// A client that reads slowly, or waits for a busy machine, loses nothing: what its queue does not
/// take waits here, and everything said later waits behind it. What one job made in the meantime
/// is sent together.
package struct Outbox {
    /// Clients that wait, longest first.
    private var clients: [Peer] = []
    private var waiting: [Peer: [ClientMessage]] = [:]

    /// Messages that may wait for one client, on top of a full queue: who leaves more unread than
    /// that does not read at all.
    ///
    /// A batch has many jobs under way, each with a few messages.
    package static let messageLimit = 1024
    /// Clients that may have messages waiting; the one that waits longest gives way.
    private static let clientLimit = 1024
    /// Bytes of text and number of tokens that are sent together; far below a message's limits.
    private static let textByteCount = 4096
    private static let tokenCount = 1024

    package init() {}

    package var isEmpty: Bool { clients.isEmpty }

    package func holdsMessages(for client: Peer) -> Bool { waiting[client] != nil }

    /// Keeps a message until the client's queue has room.
    ///
    /// - Returns: false where the client reads nothing at all; all that waited for it is dropped.
    package mutating func keep(_ message: ClientMessage, for client: Peer) -> Bool {
        var messages = waiting[client] ?? []
        if messages.isEmpty { clients.append(client) }
        let job = Self.job(of: message)
        // Only what is said of one job must keep its order.
        if let job, let last = messages.lastIndex(where: { Self.job(of: $0) == job }),
            let both = Self.merged(messages[last], message)
        {
            messages[last] = both
        } else {
            messages.append(message)
        }
        waiting[client] = messages
        guard messages.count <= Self.messageLimit else {
            forget(client)
            return false
        }
        if clients.count > Self.clientLimit { forget(clients[0]) }
        return true
    }

    /// Sends what waits, as far as queues have room.
    ///
    /// - Parameter send: whether a message was taken; false keeps it and what comes after it.
    package mutating func flush(_ send: (ClientMessage, Peer) -> Bool) {
        for client in clients {
            var messages = (waiting[client] ?? [])[...]
            while let first = messages.first, send(first, client) { messages.removeFirst() }
            if messages.isEmpty { forget(client) } else { waiting[client] = Array(messages) }
        }
    }

    private mutating func forget(_ client: Peer) {
        waiting[client] = nil
        clients.removeAll { $0 == client }
    }

    /// Which job something is said of; nil for what is of no job.
    private static func job(of message: ClientMessage) -> String? {
        switch message {
        case .accepted(let accepted): accepted.job
        case .tokens(let tokens): tokens.job
        case .progress(let progress): progress.job
        case .ended(let ended): ended.job
        default: nil
        }
    }

    /// Two pieces of one job's output as one; nil for anything else, and where it would be long.
    private static func merged(_ first: ClientMessage, _ second: ClientMessage) -> ClientMessage? {
        guard case .tokens(var both) = first, case .tokens(let next) = second,
            both.job == next.job,
            both.text.utf8.count + next.text.utf8.count <= textByteCount,
            both.tokens.count + next.tokens.count <= tokenCount
        else { return nil }
        both.tokens += next.tokens
        both.text += next.text
        return .tokens(both)
    }
}
