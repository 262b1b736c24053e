import Coordinator
import Messaging
import Model
import Testing
import Wire

@Suite("What waits for clients")
struct OutboxTests {
    private static let clients = [Peer("a"), Peer("b"), Peer("c")]

    @Test("Every token arrives once and in order, however long queues are full", arguments: 1...50)
    func order(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var outbox = Outbox()
        var said = [Peer: [Int32]]()
        var heard = [Peer: [Int32]]()
        func flush(everything: Bool) {
            outbox.flush { message, client in
                guard everything || random.next() % 3 > 0 else { return false }
                guard case .tokens(let piece) = message else { return true }
                #expect(piece.text == piece.tokens.map { "\($0) " }.joined())
                heard[client, default: []] += piece.tokens
                return true
            }
        }
        for token in Int32(0)..<2000 {
            let client = Self.clients[Int(random.next() % 3)]
            said[client, default: []].append(token)
            let piece = GeneratedTokens(job: "job", tokens: [token], text: "\(token) ")
            let isKept = outbox.keep(.tokens(piece), for: client)
            #expect(isKept, "seed \(seed)")
            if random.next() % 40 == 0 { flush(everything: false) }
        }
        flush(everything: true)
        #expect(outbox.isEmpty)
        #expect(heard == said, "seed \(seed)")
    }

    @Test(
        "What one job made is sent together; its other messages stay between"
    )
    func together() {
        var outbox = Outbox()
        let messages: [ClientMessage] = [
            .tokens(GeneratedTokens(job: "one", tokens: [1], text: "a")),
            .tokens(GeneratedTokens(job: "one", tokens: [2], text: "b")),
            .tokens(GeneratedTokens(job: "two", tokens: [3], text: "c")),
            .progress(PromptProgress(job: "two", promptTokensDone: 1, promptTokenCount: 2)),
            .tokens(GeneratedTokens(job: "two", tokens: [4], text: "d")),
            .tokens(GeneratedTokens(job: "one", tokens: [5], text: "e")),
        ]
        for message in messages {
            let isKept = outbox.keep(message, for: Self.clients[0])
            #expect(isKept)
        }
        #expect(outbox.holdsMessages(for: Self.clients[0]))
        #expect(!outbox.holdsMessages(for: Self.clients[1]))
        var sent: [ClientMessage] = []
        outbox.flush { message, _ in
            sent.append(message)
            return true
        }
        #expect(
            sent == [
                .tokens(GeneratedTokens(job: "one", tokens: [1, 2, 5], text: "abe")),
                messages[2], messages[3], messages[4],
            ]
        )
    }

    @Test("Who reads nothing at all is given up, and others are not")
    func limit() {
        var outbox = Outbox()
        let other = GeneratedTokens(job: "other", tokens: [1], text: "")
        let isOtherKept = outbox.keep(.tokens(other), for: Self.clients[1])
        #expect(isOtherKept)
        for number in 0..<Outbox.messageLimit {
            let piece = GeneratedTokens(job: "\(number)", tokens: [1], text: "")
            let isKept = outbox.keep(.tokens(piece), for: Self.clients[0])
            #expect(isKept)
        }
        let last = GeneratedTokens(job: "last", tokens: [1], text: "")
        let isLastKept = outbox.keep(.tokens(last), for: Self.clients[0])
        #expect(!isLastKept)
        #expect(!outbox.holdsMessages(for: Self.clients[0]))
        #expect(outbox.holdsMessages(for: Self.clients[1]))
    }
}
