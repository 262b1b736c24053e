import Generation
import Placement
import Terminal
import Wire

/// An answer while it is generated: printed as it comes, or kept for one JSON object.
final class AnswerOutput {
    private let streams: Bool
    private(set) var text = ""

    init(streams: Bool) { self.streams = streams }

    func showPrompt(done: Int, total: Int) {
        Console.progress("prompt: \(done) of \(total) tokens")
    }

    func write(_ piece: String) {
        guard !piece.isEmpty else { return }
        text += piece
        if streams { Console.write(piece) }
    }

    /// Ends the answer's last line and tells its numbers.
    func end(summary: AnswerSummary) {
        if streams { Console.write("\n") }
        Console.note(summary.text)
    }

    /// Ends a line that was left in the middle.
    func endLine() {
        if streams, !text.isEmpty { Console.write("\n") }
    }
}

/// An answer's numbers.
struct AnswerSummary {
    let promptTokenCount: Int
    /// Of those, what needed no computing.
    let cachedTokenCount: Int
    let tokenCount: Int
    /// Tokens per second; 0 where there were too few to tell.
    let prefillRate: Double
    let decodeRate: Double
    /// Rows of experts by worker; empty in one process.
    let rows: [(name: String, count: UInt64)]
    /// In which way the answer is not exact; nil where it is.
    let deviation: Deviation?

    init(_ result: GenerationResult, _ deviation: Deviation?) {
        self.deviation = deviation
        promptTokenCount = result.promptTokenCount
        cachedTokenCount = result.cachedTokenCount
        tokenCount = result.tokens.count
        prefillRate = result.prefillRate
        decodeRate = result.decodeRate
        rows = []
    }

    init(_ ended: Ended) {
        promptTokenCount = ended.promptTokenCount
        cachedTokenCount = ended.cachedTokenCount
        tokenCount = ended.tokens.count
        prefillRate = Self.rate(
            ended.promptTokenCount - ended.cachedTokenCount,
            ended.prefillTime
        )
        decodeRate = Self.rate(ended.tokens.count - 1, ended.decodeTime)
        deviation = ended.expertUses.map { Deviation($0, nil) }
        rows = ended.rowsPerWorker.map { ($0.name.rawValue, $0.rowCount) }
    }

    private static func rate(_ count: Int, _ time: Duration) -> Double {
        time > .zero && count > 0 ? Double(count) / (time / .seconds(1)) : 0
    }

    var text: String {
        let prompt = Format.count(promptTokenCount, "prompt token")
        let made = Format.count(tokenCount, "token")
        let cached = cachedTokenCount > 0 ? " (\(cachedTokenCount) from before)" : ""
        let line =
            "\(prompt)\(cached)\(Self.text(prefillRate)), \(made) made\(Self.text(decodeRate))"
        let inexact = deviation.map { "\n" + $0.text } ?? ""
        guard !rows.isEmpty else { return line + inexact }
        let rows = rows.map { "\($0.name) \($0.count)" }.joined(separator: ", ")
        return line + "\nrows of experts computed: \(rows)" + inexact
    }

    private static func text(_ rate: Double) -> String {
        rate > 0 ? " at \(Format.fixed(rate)) tok/s" : ""
    }
}
