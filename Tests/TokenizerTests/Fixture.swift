import Foundation
import Model
import Tokenizer

/// A vocabulary and what another engine makes of texts with it.
///
/// Written by `Tests/Scripts/make_tokenizer_fixtures.py`.
struct Fixture: Decodable {
    struct Case: Decodable {
        var name: String
        /// With special tokens taken as plain text.
        var ids: [Int32]
        /// With special tokens parsed, where that makes a difference.
        var parsedIDs: [Int32]?
    }

    /// Bytes that are not UTF-8.
    struct Invalid: Decodable {
        var hex: String
        var ids: [Int32]

        var bytes: [UInt8] {
            stride(from: 0, to: hex.count, by: 2).compactMap { offset in
                UInt8(hex.dropFirst(offset).prefix(2), radix: 16)
            }
        }
    }

    struct Prompt: Decodable {
        var text: String
        var ids: [Int32]
    }

    private struct StoredVocabulary: Decodable {
        var model: String
        var preTokenizer: String?
        var tokens: [String]
        var types: [Int32]
        var scores: [Float]?
        var merges: [String]?
        var bos: Int?
        var eos: Int?
        var unknown: Int?
        var addsBOS: Bool?
    }

    private var storedVocabulary: StoredVocabulary
    var cases: [Case]?
    var invalid: [Invalid]?
    var prompts: [Prompt]?

    private enum CodingKeys: String, CodingKey {
        case storedVocabulary = "vocabulary"
        case cases
        case invalid
        case prompts
    }

    var vocabulary: Vocabulary {
        Vocabulary(
            model: storedVocabulary.model,
            preTokenizer: storedVocabulary.preTokenizer,
            tokens: storedVocabulary.tokens.map { Array($0.utf8) },
            types: storedVocabulary.types,
            scores: storedVocabulary.scores ?? [],
            merges: (storedVocabulary.merges ?? []).map { Array($0.utf8) },
            bos: storedVocabulary.bos,
            eos: storedVocabulary.eos,
            unknown: storedVocabulary.unknown,
            addsBOS: storedVocabulary.addsBOS
        )
    }

    init(_ name: String) throws {
        self = try Self.read(name)
    }

    /// The texts that the cases name.
    static func texts() throws -> [String: String] {
        try read("texts")
    }

    static let byteLevelNames = [
        "gpt-2", "qwen2", "llama-bpe", "qwen35", "bailingmoe", "starcoder", "falcon", "default",
        "deepseek-coder", "deepseek-v3",
    ]
    static let names = byteLevelNames + ["sentencepiece"]

    private static func read<Value: Decodable>(_ name: String) throws -> Value {
        let file = URL(filePath: #filePath)
            .deletingLastPathComponent()
            .appending(path: "Fixtures/\(name).json")
        return try JSONDecoder().decode(Value.self, from: Data(contentsOf: file))
    }
}
