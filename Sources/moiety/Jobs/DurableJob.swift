import Terminal
import Wire

/// One durable job, from submitting it to its last word, over lives of the coordinator.
final class DurableJob {
    private let line: CoordinatorLine
    private var request: Submit
    private(set) var accepted: Accepted?
    /// The answer so far.
    private(set) var text = ""
    /// Told what comes to the answer.
    private let onText: (String) -> Void
    /// Of what a new life of the coordinator tells again, the bytes already known.
    private var knownByteCount = 0

    init(_ request: Submit, on line: CoordinatorLine, onText: @escaping (String) -> Void = { _ in })
    {
        self.line = line
        self.request = request
        self.onText = onText
        self.request.isDurable = true
        self.request.ticket = request.ticket ?? Self.newTicket()
    }

    /// A name that nobody else gives.
    static func newTicket() -> String {
        (0..<2).map { _ in String(UInt64.random(in: 0 ... .max), radix: 16) }.joined(separator: "-")
    }

    /// Hands the job in and waits until it is on disk.
    ///
    /// - Returns: nil where the waker was woken.
    func submit() throws -> Accepted? {
        try line.client.send(.submit(request))
        return try line.keep(mend: submitAgain) { client in
            while let message = try client.receive() {
                guard case .accepted(let accepted) = message, accepted.tag == request.tag else {
                    continue
                }
                self.accepted = accepted
                return accepted
            }
            return nil
        }
    }

    /// Waits for the end, and tells what is generated meanwhile.
    ///
    /// - Returns: nil where the waker was woken.
    func finish() throws -> Ended? {
        try line.keep(mend: submitAgain) { client in
            while let message = try client.receive() {
                switch message {
                case .progress(let progress):
                    let (done, all) = (progress.promptTokensDone, progress.promptTokenCount)
                    Console.progress("prompt: \(done) of \(all) tokens")
                case .tokens(let tokens): add(tokens.text)
                case .ended(let ended): return ended
                case .accepted(let accepted): self.accepted = accepted
                case .cancelReply, .jobFound: continue
                default: throw client.unexpected(message)
                }
            }
            return nil
        }
    }

    /// The ticket says that it is the same job; its answer is told from the beginning.
    private func submitAgain(_ client: ClusterClient) throws {
        knownByteCount = text.utf8.count
        try client.send(.submit(request))
    }

    private func add(_ piece: String) {
        let known = min(knownByteCount, piece.utf8.count)
        knownByteCount -= known
        let new = String(decoding: piece.utf8.dropFirst(known), as: UTF8.self)
        guard !new.isEmpty else { return }
        text += new
        onText(new)
    }
}
