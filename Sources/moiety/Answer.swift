import Generation

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
}

/// An answer's numbers.
struct AnswerSummary {
    let promptTokenCount: Int
    let tokenCount: Int
    /// Tokens per second; 0 where there were too few to tell.
    let prefillRate: Double
    let decodeRate: Double

    init(_ result: GenerationResult) {
        promptTokenCount = result.promptTokenCount
        tokenCount = result.tokens.count
        prefillRate = result.prefillRate
        decodeRate = result.decodeRate
    }

    var text: String {
        let prompt = Format.count(promptTokenCount, "prompt token")
        let made = Format.count(tokenCount, "token")
        return "\(prompt)\(Self.rate(prefillRate)), \(made) made\(Self.rate(decodeRate))"
    }

    private static func rate(_ rate: Double) -> String {
        rate > 0 ? " at \(Format.fixed(rate)) tok/s" : ""
    }
}
