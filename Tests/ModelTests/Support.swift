import ClusterTesting
import Foundation
import GGUF
import Model
import Tensors
import Testing

/// Reference models that other tests compute with.
enum Fixture {
    static let directory = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "InferenceTests/Fixtures")

    static func path(_ name: String) -> String {
        directory.appending(path: "\(name).gguf").path
    }
}

/// What opening a tiny model answers after a test spoiled it.
func refusal(
    of recipe: TinyModel = TinyModel(),
    _ spoil: (inout TinyModelContents) -> Void
) throws -> String? {
    var contents = recipe.contents()
    spoil(&contents)
    do {
        _ = try contents.modelFile().vocabulary()
        return nil
    } catch {
        return "\(error)"
    }
}

/// One wrong value of one key, and what must be said about it.
struct BadValue: CustomTestStringConvertible, Sendable {
    let key: String
    let value: GGUFValue?
    let words: [String]

    init(_ key: String, _ value: GGUFValue?, _ words: String...) {
        self.key = key
        self.value = value
        self.words = words
    }

    var testDescription: String {
        let text = value.map { "\($0)" } ?? "missing"
        return "\(key) = \(text.prefix(40))"
    }
}
