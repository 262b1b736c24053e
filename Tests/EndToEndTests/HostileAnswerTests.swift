import ClusterTesting
import Foundation
import Messaging
import Testing
import Wire

/// The command line against a coordinator that answers anything.
@Suite("A command survives whatever answers it", .serialized, .timeLimit(.minutes(10)))
struct HostileAnswerTests {
    @Test("Wrong frames end it with a text and an exit code, never with a crash")
    func wrongFrames() async throws {
        let place = try TemporaryFile("clients")
        let endpoint = "ipc://\(place.path)"
        let welcome = ClientMessage.clientWelcome(
            ClientWelcome(build: "hostile", modelName: "none")
        )
        let foreign = ClientMessage.clientWelcome(
            ClientWelcome(protocolVersion: 99, build: "hostile", modelName: "none")
        )
        var answers = WrongFrames.everywhere(like: welcome.encode())
            // It waits for its whole patience on those that it does not even read.
            .filter { $0.frames.count <= 8 }
        answers.append(WrongFrames("another version", foreign.encode()))
        answers.append(WrongFrames("another message", ClientMessage.jobs([]).encode()))
        let list = answers
        let listens = Signal()
        let end = try Waker()
        async let served: Void = Self.serve(
            list.map(\.frames),
            at: endpoint,
            listens: listens,
            until: end
        )
        // A command waits five seconds for its coordinator, a busy machine's threads longer.
        await listens.wait()
        for answer in list {
            let result = try await Command.run(["status", "--coordinator", endpoint])
            #expect((1...78).contains(result.status), "\(answer): \(result.status)")
            #expect(!result.errors.isEmpty, "\(answer)")
            #expect(!result.errors.contains("no coordinator answers"), "\(answer)")
        }
        end.wake()
        try await served
    }

    /// Answers one message after the other, each by the next frames, until nobody asks any more.
    private static func serve(
        _ answers: [[[UInt8]]],
        at endpoint: String,
        listens: Signal,
        until end: Waker
    ) async throws {
        try await onThread {
            var options = SocketOptions()
            options.linger = .seconds(1)
            options.limits = MessagingLimits(frameCount: 64)
            // Whatever happens, nobody waits for a server that is not there.
            defer { listens.fire() }
            let socket = try Socket(.router, in: MessagingContext(), options: options)
            try socket.bind(Endpoint(endpoint))
            listens.fire()
            var poller = Poller()
            for frames in answers {
                var client: Peer?
                var isOver = false
                while client == nil, !isOver {
                    isOver = try poller.wait(for: [socket], or: end, timeout: nil).isWoken
                    client = try socket.receive()?.peer
                }
                guard let client else { return }
                try socket.send(frames, to: client)
            }
            // With the connection a command would lose an answer that it has not read yet.
            _ = try poller.wait(for: [], or: end, timeout: .seconds(500))
        }
    }
}
