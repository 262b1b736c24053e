import Terminal
import Wire

/// A batch under way: a window of jobs at the coordinator, the rest still in the file.
final class Batch {
    private struct Entry {
        let line: Int
        let customID: String?
        let request: Submit
        var job: String?
        var text = ""
        /// When to submit again what had no room; nil while it is submitted.
        var retry: ContinuousClock.Instant?
    }

    private let line: CoordinatorLine
    private var input: BatchInput
    private let output: BatchOutput
    private let defaults: Submit
    private let lineCount: Int
    /// Jobs that are at the coordinator together.
    private let window: Int
    /// By tag, which is the line's number.
    private var entries: [UInt64: Entry] = [:]
    private var tags: [String: UInt64] = [:]
    private var isAtEnd = false
    private var modelName = ""
    private(set) var failedCount = 0
    private var doneCount: Int

    /// - Parameter defaults: what the command line says, for what lines leave out.
    init(
        _ path: String,
        lineCount: Int,
        output: BatchOutput,
        defaults: Submit,
        window: Int,
        on line: CoordinatorLine
    ) throws {
        input = try BatchInput(path: path)
        self.output = output
        self.defaults = defaults
        self.lineCount = lineCount
        self.window = window
        self.line = line
        doneCount = output.finished.count
        modelName = line.client.modelName
    }

    /// Submits and collects until every line has its result.
    ///
    /// - Returns: false where the waker was woken; what is at the coordinator goes on there.
    func run() throws -> Bool {
        while true {
            try line.keep(mend: submitAllAgain) { try fill($0) }
            guard !entries.isEmpty else { return true }
            tell()
            let message = try line.keep(mend: submitAllAgain) { client in
                try client.receive(until: entries.values.compactMap(\.retry).min())
            }
            if let message { try handle(message) } else if line.client.isWoken { return false }
        }
    }

    private func tell() {
        let waiting = entries.values.count { $0.retry != nil }
        let away = waiting > 0 ? ", \(waiting) wait for room" : ""
        Console.progress(
            "\(doneCount) of \(Format.count(lineCount, "job")), \(entries.count) under way\(away)"
        )
    }

    // MARK: Submitting

    private func fill(_ client: ClusterClient) throws {
        let now = ContinuousClock.now
        for (tag, entry) in entries.sorted(by: { $0.key < $1.key }) {
            guard let retry = entry.retry, retry <= now else { continue }
            entries[tag]?.retry = nil
            try client.send(.submit(entry.request))
        }
        // Who was sent away does not come with others.
        let isFull = entries.values.contains { $0.retry != nil }
        while entries.count < window, !isAtEnd, !isFull, let entry = try nextEntry() {
            entries[entry.request.tag] = entry
            try client.send(.submit(entry.request))
        }
    }

    private func nextEntry() throws -> Entry? {
        while let text = try input.next() {
            let number = input.lineNumber
            guard !output.finished.contains(number) else { continue }
            do throws(BatchError) {
                let read = try BatchLine(text)
                var request = read.request(defaults)
                request.tag = UInt64(number)
                request.isDurable = true
                request.ticket = "\(output.batch):\(number)"
                return Entry(line: number, customID: read.customID, request: request)
            } catch {
                throw input.failure("\(error)")
            }
        }
        isAtEnd = true
        return nil
    }

    /// The tickets say that they are the same jobs; their answers are told from the beginning.
    private func submitAllAgain(_ client: ClusterClient) throws {
        tags = [:]
        for (tag, entry) in entries.sorted(by: { $0.key < $1.key }) where entry.retry == nil {
            entries[tag]?.job = nil
            entries[tag]?.text = ""
            try client.send(.submit(entry.request))
        }
    }

    // MARK: Collecting

    private func handle(_ message: ClientMessage) throws {
        switch message {
        case .accepted(let accepted):
            entries[accepted.tag]?.job = accepted.job
            if entries[accepted.tag] != nil { tags[accepted.job] = accepted.tag }
        case .tokens(let tokens):
            if let tag = tags[tokens.job] { entries[tag]?.text += tokens.text }
        case .ended(let ended): try end(ended)
        default: break
        }
    }

    private func end(_ ended: Ended) throws {
        guard let tag = tags.removeValue(forKey: ended.job), let entry = entries[tag] else {
            return
        }
        if let pause = ended.retryAfter {
            entries[tag]?.retry = .now + pause
            return
        }
        entries[tag] = nil
        doneCount += 1
        if ended.outcome != .completed { failedCount += 1 }
        try output.add(
            BatchResult(
                line: entry.line,
                customID: entry.customID,
                model: modelName,
                text: entry.text,
                ended
            )
        )
    }
}
