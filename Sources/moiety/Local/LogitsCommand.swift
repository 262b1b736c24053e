import ArgumentParser
import Generation
import Terminal

struct LogitsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logits",
        abstract: "The largest logits after every given token, for checking against other engines."
    )

    @OptionGroup var options: EvaluationOptions

    @Option(help: "Token ids with commas between them, taken as given.")
    var tokens: String

    @Option(help: "How many logits per position.")
    var top = 10

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Logits: Encodable {
        struct Position: Encodable {
            let ids: [Int32]
            let logits: [Float]
        }

        let positions: [Position]
    }

    func validate() throws {
        guard top > 0 else { throw ValidationError("--top is \(top); it must be 1 or more") }
        guard options.memory.lossy == nil else {
            throw ValidationError("logits are exact; leave out --lossy")
        }
        _ = try parsedTokens()
    }

    private func parsedTokens() throws -> [Int32] {
        let tokens = try tokens.split(separator: ",").map { text in
            guard let token = Int32(text.drop { $0 == " " }) else {
                throw ValidationError("'\(text)' in --tokens is no token id")
            }
            return token
        }
        guard !tokens.isEmpty else { throw ValidationError("--tokens is empty") }
        return tokens
    }

    func run() async throws {
        try await CommandFailure.report {
            let tokens = try parsedTokens()
            let evaluator = try options.makeEvaluator(positions: tokens.count)
            let result = try await evaluator.evaluate(tokens, top: top, scoreFrom: nil)
            guard !json else {
                let positions = result.positions.map {
                    Logits.Position(ids: $0.ids, logits: $0.logits)
                }
                return try Console.writeJSON(
                    Joined(Logits(positions: positions), result.expertUses.map(Inexactness.init))
                )
            }
            let lines = result.positions.enumerated().map { index, position in
                let pairs = zip(position.ids, position.logits).map { "\($0):\($1)" }
                return "\(index)\t\(pairs.joined(separator: " "))\n"
            }
            Console.write(lines.joined())
            if let uses = result.expertUses { Console.note(Deviation(uses, nil).text) }
        }
    }
}
