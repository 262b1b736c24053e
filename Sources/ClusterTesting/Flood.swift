import Messaging
import Model
import Wire

/// Wrong messages without end, from a seed, and what becomes of those who get them.
public struct Flood: Sendable {
    /// What was said and heard.
    public struct Tally: Sendable {
        public var sent = 0
        public var answers = 0
    }

    private let vocabulary: WireSocket
    private let seed: UInt64

    /// - Parameter vocabulary: whose messages are mutated.
    public init(_ vocabulary: WireSocket, seed: UInt64) {
        self.vocabulary = vocabulary
        self.seed = seed
    }

    /// The messages: first `randomCount` of no meaning, then `mutatedCount` that were once right.
    ///
    /// Requests for work that came out right are left out: they would be served.
    public func forEach(
        randomCount: Int,
        mutatedCount: Int,
        _ body: ([[UInt8]]) throws -> Void
    ) rethrows {
        var random = SeededRandom(seed: seed)
        for _ in 0..<randomCount { try body(randomFrames(using: &random, atLeast: 1)) }
        var count = 0
        while count < mutatedCount {
            for message in vocabulary.messages(using: &random) where count < mutatedCount {
                let frames = mutated(message, using: &random)
                guard !asksForWork(frames) else { continue }
                try body(frames)
                count += 1
            }
        }
    }

    private func asksForWork(_ frames: [[UInt8]]) -> Bool {
        guard vocabulary == .client else { return false }
        do throws(WireError) {
            switch try ClientMessage(frames: frames) {
            case .submit, .evaluate: return true
            default: return false
            }
        } catch {
            return false
        }
    }

    /// Floods a bound socket over one connection, on a thread of its own.
    ///
    /// - Parameter greeting: said first; nil to say none.
    public func pour(
        into endpoint: String,
        randomCount: Int,
        mutatedCount: Int,
        greeting: [[UInt8]]? = nil
    ) async throws -> Tally {
        try await onThread { [self] in
            var tally = Tally()
            var options = SocketOptions()
            options.linger = .seconds(5)
            let socket = try Socket(.dealer, in: MessagingContext(), options: options)
            try socket.connect(Endpoint(endpoint))
            let say = { (frames: [[UInt8]]) in
                guard try socket.waitUntilSendable(timeout: testPatience) else {
                    throw TestClient.Failure(description: "\(endpoint) takes nothing any more")
                }
                try socket.send(frames)
                tally.sent += 1
                while try socket.receive() != nil { tally.answers += 1 }
            }
            if let greeting { try say(greeting) }
            try forEach(randomCount: randomCount, mutatedCount: mutatedCount, say)
            return tally
        }
    }
}
