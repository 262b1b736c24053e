import Coordinator
import Foundation
import JSON
import Model
import Tokenizer
import Wire

/// The model that answers, as requests and responses know it.
struct ServedAnswers {
    /// As requests call it.
    let name: String
    /// As its file calls it.
    let title: String
    let model: ServedModel
    let contextLength: Int
    private let fingerprint: String

    /// Nil while it is loaded.
    init?(_ door: CoordinatorDoor) {
        guard let (model, contextLength) = door.served else { return nil }
        title = model.description.name
        name = Self.identifier(of: title)
        self.model = model
        self.contextLength = contextLength
        let digest = model.identity.headerDigest.prefix(6).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
        fingerprint = "moiety-\(Build.version)-\(digest)"
    }

    /// Small letters, digits and dots, joined by dashes.
    private static func identifier(of title: String) -> String {
        let words = title.lowercased().split { character in
            !(character.isASCII && (character.isLetter || character.isNumber || character == "."))
        }
        return words.isEmpty ? "model" : words.joined(separator: "-")
    }

    var tokenizer: Tokenizer { model.tokenizer }

    /// - Parameter model: what a request calls it; nil where it names none.
    func check(model: String?) throws(APIError) {
        guard let model, model != name, model != title else { return }
        throw .unknownModel(model, served: name)
    }

    /// From now.
    var source: Answer.Source {
        let seconds = Date().timeIntervalSince1970
        return Answer.Source(model: name, fingerprint: fingerprint, created: Int(seconds))
    }

    /// As `/v1/models` lists it.
    var listing: JSONValue {
        [
            "id": .string(name), "object": "model", "created": 0, "owned_by": "moiety",
            "context_length": .integer(contextLength),
        ]
    }
}
