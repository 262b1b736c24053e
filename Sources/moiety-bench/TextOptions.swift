import ArgumentParser
import Foundation
import Model
import Tokenizer

/// Texts that a model is judged on, each of which is a task.
struct TextOptions: ParsableArguments {
    @Option(parsing: .upToNextOption, help: "A text of each task.")
    var text: [String]

    @Option(help: "Windows of each text.")
    var windows = 2

    @Option(name: [.customShort("c"), .long], help: "Tokens per window.")
    var ctxSize = 256

    func validate() throws {
        try requireRange("--windows", windows, 1...10_000)
        try requireRange("-c", ctxSize, 4...1 << 20)
    }

    /// What a text's task is called: its file's name without the ending.
    static func task(of path: String) -> String {
        URL(filePath: path).deletingPathExtension().lastPathComponent
    }

    /// The texts' names without directories and endings, and tokens in windows.
    func read(_ file: ModelFile) throws -> [(task: String, windows: [[Int32]])] {
        let tokenizer = try Tokenizer(file.vocabulary())
        return try text.map { path in
            let tokens = try tokenizer.encode(
                try InputBytes.of(path),
                addSpecial: true,
                parseSpecial: false
            )
            guard tokens.count >= ctxSize else {
                throw ValidationError(
                    "\(path) has \(tokens.count) tokens, less than one window of \(ctxSize)"
                )
            }
            let count = min(windows, tokens.count / ctxSize)
            return (
                Self.task(of: path),
                (0..<count).map { Array(tokens[$0 * ctxSize..<($0 + 1) * ctxSize]) }
            )
        }
    }
}
