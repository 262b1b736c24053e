import Foundation
import Messaging
import Synchronization

/// A connection that says whatever a test wants, on a thread of its own.
public struct RawPeer: Sendable {
    private let endpoint: String
    private let routingID: String?

    /// - Parameter routingID: what it calls itself, or nil to be given an id.
    public init(_ endpoint: String, routingID: String? = nil) {
        self.endpoint = endpoint
        self.routingID = routingID
    }

    /// Sends messages, as fast as they are taken, then listens until `isEnough`.
    ///
    /// - Returns: what came back, each message as its frames.
    public func send(
        _ messages: [[[UInt8]]],
        timeout: Duration = testPatience,
        until isEnough: @escaping @Sendable ([[[UInt8]]]) -> Bool
    ) async throws -> [[[UInt8]]] {
        let outcome = Outcome()
        let thread = try NamedThread("raw-peer") { [self] in
            let result = Result { try talk(messages, timeout: timeout, until: isEnough) }
            outcome.value.withLock { $0 = result }
        }
        await thread.finished()
        return try outcome.value.withLock { try $0?.get() ?? [] }
    }

    private final class Outcome: Sendable {
        let value = Mutex<Result<[[[UInt8]]], any Error>?>(nil)
    }

    private func talk(
        _ messages: [[[UInt8]]],
        timeout: Duration,
        until isEnough: ([[[UInt8]]]) -> Bool
    ) throws -> [[[UInt8]]] {
        var options = SocketOptions()
        options.linger = testPatience
        // It may say what no peer of ours would.
        options.limits = MessagingLimits(frameCount: 64)
        options.routingID = routingID.map { Peer($0) }
        let socket = try Socket(.dealer, in: MessagingContext(), options: options)
        try socket.connect(Endpoint(endpoint))
        let deadline = ContinuousClock.now + timeout
        var replies: [[[UInt8]]] = []
        for message in messages {
            guard try socket.waitUntilSendable(timeout: deadline - .now) else {
                throw TestClient.Failure(description: "nobody listens at \(endpoint)")
            }
            try socket.send(message)
            while let reply = try socket.receive() { replies.append(reply.frames) }
        }
        var poller = Poller()
        while !isEnough(replies) {
            guard ContinuousClock.now < deadline else {
                throw TestClient.Failure(description: "no answer but \(replies)")
            }
            _ = try poller.wait(for: [socket], timeout: deadline - .now)
            while let reply = try socket.receive() { replies.append(reply.frames) }
        }
        return replies
    }
}
