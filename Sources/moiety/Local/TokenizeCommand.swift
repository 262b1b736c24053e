import ArgumentParser
import Model
import Terminal
import Tokenizer

struct TokenizeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize",
        abstract: "Show the tokens of a text."
    )

    @Option(name: [.short, .long], help: "The model: a GGUF file, or its first part.")
    var model: String

    @OptionGroup var text: TextOptions

    @Flag(help: "Parse the names of special tokens in the text.")
    var special = false

    @Flag(inversion: .prefixedNo, help: "Add BOS and EOS where the model asks for them.")
    var bos = true

    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Tokens: Encodable {
        let tokens: [Int32]
        let pieces: [String]
    }

    func run() async throws {
        try await CommandFailure.report {
            let text = try text.read()
            let tokenizer = try Tokenizer(ModelFile(path: model).vocabulary())
            let tokens = try tokenizer.encode(text, addSpecial: bos, parseSpecial: special)
            let pieces = tokens.map { String(decoding: tokenizer.piece(of: $0), as: UTF8.self) }
            guard !json else {
                return try Console.writeJSON(Tokens(tokens: tokens, pieces: pieces))
            }
            let lines = zip(tokens, pieces).map { "\($0)\t\($1.debugDescription)\n" }
            Console.write(lines.joined())
        }
    }
}
