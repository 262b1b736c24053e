import Messaging
import Wire

/// A client's connection to the coordinator that is measured.
final class CoordinatorConnection {
    /// Silence after which the processes are looked at.
    private static let pollTime = Duration.milliseconds(200)

    private let socket: Socket
    private var poller = Poller()
    private let check: () throws -> Void
    private var lastTag: UInt64 = 0

    /// - Parameter check: called while there is no answer; throws where there will be none.
    init(
        _ address: String,
        security: SocketSecurity?,
        check: @escaping () throws -> Void
    ) throws {
        self.check = check
        var options = SocketOptions()
        options.reconnectPause = .milliseconds(10)
        options.security = security
        socket = try Socket(.dealer, in: MessagingContext(), options: options)
        try socket.connect(Endpoint(address))
        while try !socket.waitUntilSendable(timeout: Self.pollTime) { try check() }
        try socket.send(ClientMessage.clientHello(ClientHello(build: Build.name)).encode())
        guard case .clientWelcome = try receive() else {
            throw ClusterBenchmarkError.refused("it did not welcome a client")
        }
    }

    func status() throws -> StatusReport {
        try socket.send(ClientMessage.getStatus.encode())
        while true {
            if case .status(let report) = try receive() { return report }
        }
    }

    /// Runs jobs together, choosing the likeliest tokens, and returns how they ended, in order.
    func run(_ prompts: [String], tokenCount: Int) throws -> [Ended] {
        var places: [UInt64: Int] = [:]
        for (place, prompt) in prompts.enumerated() {
            lastTag += 1
            places[lastTag] = place
            let request = Submit(
                tag: lastTag,
                prompt: prompt,
                maximumTokens: tokenCount,
                sampling: SamplingRequest(temperature: 0)
            )
            try socket.send(ClientMessage.submit(request).encode())
        }
        var jobs: [String: Int] = [:]
        var ends: [Int: Ended] = [:]
        while ends.count < prompts.count {
            switch try receive() {
            case .accepted(let accepted): jobs[accepted.job] = places[accepted.tag]
            case .ended(let ended):
                guard ended.outcome == .completed else {
                    throw ClusterBenchmarkError.jobFailed(ended.message)
                }
                if let place = jobs[ended.job] { ends[place] = ended }
            default: continue
            }
        }
        return prompts.indices.compactMap { ends[$0] }
    }

    private func receive() throws -> ClientMessage {
        while true {
            if let received = try socket.receive() {
                let message = try ClientMessage(frames: received.frames)
                if case .refusal(let refusal) = message {
                    throw ClusterBenchmarkError.refused(refusal.text)
                }
                return message
            }
            let ready = try poller.wait(for: [socket], or: nil, timeout: Self.pollTime)
            if ready.isTimeUp { try check() }
        }
    }
}
