import ClusterTesting
import Foundation
import Fuzzing
import GGUF
import Kernels
import Model
import Tensors
import Testing

/// Files that are whole and lie: what they say must be refused in words that name it.
///
/// The lines of the checklist in `docs/RELIABILITY.md` that need a whole model; those that a
/// header alone can show are in GGUFTests, single hyper-parameters in ModelTests.
@Suite("Model files that lie")
struct ChecklistTests {
    private let probe = ModelProbe()
    private let kernels = Kernels(instructionSet: .detected, threadCount: 1)

    /// What using the smallest model answers after `spoil`.
    private func answer(_ spoil: (inout TinyModelContents) -> Void) throws -> String {
        var contents = TinyModel.smallest(of: Architecture.known[0])
        spoil(&contents)
        let file = try contents.writeTemporary()
        switch probe.outcome(ofFileAt: file.path) {
        case .refused(let words): return words
        case .computed(let isFinite): return isFinite ? "computed" : "not finite"
        case .tooLarge: return "too large"
        }
    }

    static let tokenizer: [Lie] = [
        Lie("an empty vocabulary", "tokens", .array(.strings(GGUFStrings([String]()))), "tokens"),
        Lie("a vocabulary of numbers", "tokens", .array(.uint32([1])), "tokens"),
        Lie("no vocabulary", "tokens", nil, "tokens"),
        Lie("fewer types than tokens", "token_type", .array(.int32([1])), "token types"),
        Lie("types that are texts", "token_type", .text("normal"), "token_type"),
        Lie("fewer scores than tokens", "scores", .array(.float32([0])), "scores"),
        Lie("a score that is no number", "scores", .array(.float32(scores(.nan))), "scores"),
        Lie("an infinite score", "scores", .array(.float32(scores(-.infinity))), "computed"),
        Lie("BOS behind the vocabulary", "bos_token_id", .uint32(7), "BOS"),
        Lie("BOS of 2^32 - 1", "bos_token_id", .uint32(.max), "BOS"),
        Lie("BOS of 2^64 - 1", "bos_token_id", .uint64(.max), "bos_token_id"),
        Lie("a negative EOS", "eos_token_id", .int32(-1), "EOS"),
        Lie("an EOT behind the vocabulary", "eot_token_id", .uint32(7), "EOT"),
        Lie("unknown behind the vocabulary", "unknown_token_id", .uint32(7), "unknown"),
        Lie("padding behind the vocabulary", "padding_token_id", .uint32(7), "padding"),
        Lie("a BOS that is a text", "bos_token_id", .text("<s>"), "bos_token_id"),
        Lie("add_bos_token of 1", "add_bos_token", .uint32(1), "add_bos_token"),
        Lie("another kind of vocabulary", "model", .text("bert"), "bert"),
        Lie("byte-level without bytes", "model", .text("gpt2"), "byte"),
        Lie(
            "merges of absent tokens",
            "merges",
            .array(.strings(GGUFStrings(["x y"]))),
            "computed"
        ),
    ]

    private static func scores(_ last: Float) -> [Float] { [0, 0, 0, -2, -3, -4, last] }

    @Test("A vocabulary that contradicts itself is refused by name", arguments: tokenizer)
    func vocabularies(lie: Lie) throws {
        let words = try answer { $0.metadata["tokenizer.ggml." + lie.key] = lie.value }
        #expect(words.contains(lie.word), "\(words)")
    }

    @Test("A merge that names an absent token is refused with the token")
    func absentMerge() throws {
        var recipe = TinyModel()
        recipe.layerCount = 1
        var contents = recipe.contents()
        contents.metadata["tokenizer.ggml.merges"] = .array(.strings(GGUFStrings(["q zz"])))
        let file = try contents.writeTemporary()
        guard case .refused(let words) = probe.outcome(ofFileAt: file.path) else {
            Issue.record("accepted")
            return
        }
        #expect(words.contains("zz"), "\(words)")
    }

    @Test("A byte that only the unknown token stands for ends there, whatever that is spelled")
    func byteFallback() throws {
        for text in ["<0x3C>", "\u{0}", "\u{2581}\u{2581}", ""] {
            let words = try answer {
                let tokens = [text, "<s>", "</s>", "<0x3C>", "<0x30>", "<0x78>", "a"]
                $0.metadata["tokenizer.ggml.tokens"] = .array(.strings(GGUFStrings(tokens)))
                $0.metadata["tokenizer.ggml.token_type"] = .array(.int32([2, 3, 3, 6, 6, 6, 1]))
            }
            #expect(words == "computed", "\(text.debugDescription): \(words)")
        }
    }

    @Test("Equal tokens, and one of a megabyte, are a vocabulary like another")
    func strangeTokens() throws {
        let long = String(repeating: "a", count: 1 << 20)
        let words = try answer {
            let tokens = ["<unk>", "<s>", "</s>", "a", "a", "a", long]
            $0.metadata["tokenizer.ggml.tokens"] = .array(.strings(GGUFStrings(tokens)))
        }
        #expect(words == "computed", "\(words)")
    }

    @Test("Every key of the file, given another type, is refused by its name or not read")
    func wrongTypes() throws {
        let contents = TinyModel.smallest(of: Architecture.known[0])
        // Read by people only.
        let unread: Set = ["qwen3moe.expert_feed_forward_length"]
        let strangers: [GGUFValue] = [
            .text("7"), .bool(true), .array(.bool([true])), .float32(.nan), .int64(.min),
            .uint64(1 << 63), .array(.strings(GGUFStrings(["7"]))),
        ]
        for (key, value) in contents.metadata.entries where !unread.contains(key) {
            for stranger in strangers
            where stranger.typeDescription != value.typeDescription {
                let words = try answer { $0.metadata[key] = stranger }
                // An integer for an integer is of the right type, and is refused for its value.
                let isNamed = words.contains(key) || words.contains("outside the vocabulary")
                #expect(isNamed, "\(key) of \(stranger.typeDescription): \(words)")
            }
        }
    }

    @Test("A weight or scale that is no number is refused by its place", arguments: computable)
    func notFinite(type: ElementType) throws {
        var recipe = TinyModel()
        recipe.layerCount = 1
        recipe.hiddenSize = 256
        recipe.expertCount = 2
        recipe.expertWidth = 32
        var contents = recipe.contents()
        for name in ["blk.0.attn_k", "blk.0.ffn_gate_exps", "blk.0.ffn_up_exps"] {
            let dimensions = try #require(contents[name + ".weight"]).dimensions
            contents[name + ".weight"] = .zeros(name + ".weight", type, dimensions)
        }
        let file = try contents.writeTemporary()
        let model = try ModelFile(path: file.path)
        let handle = try FileHandle(forUpdating: URL(filePath: file.path))
        for name in ["blk.0.attn_k.weight", "blk.0.ffn_up_exps.weight"] {
            let tensor = try #require(model.file.tensor(name))
            var found = 0
            for place in 0..<type.blockByteCount {
                var block = [UInt8](repeating: 0, count: type.blockByteCount)
                block[place] = 0xff
                if place > 0 { block[place - 1] = 0xff }
                try handle.seek(toOffset: UInt64(tensor.fileOffset))
                try handle.write(contentsOf: block)
                // The largest exponent of MXFP4 stands for no number, though it has a value.
                let isSpecial = type == .mxfp4 && block[0] == 0xff
                let isFinite = try !isSpecial && self.isFinite(tensor, of: model)
                #expect(isRefused(tensor, of: model) == !isFinite, "byte \(place)")
                found += isFinite ? 0 : 1
            }
            #expect(found > 0, "no byte of a block is part of a scale")
            try handle.seek(toOffset: UInt64(tensor.fileOffset))
            try handle.write(contentsOf: [UInt8](repeating: 0, count: type.blockByteCount))
        }
        try handle.close()
    }

    /// Whether the kernels make finite numbers of a tensor's first row.
    private func isFinite(_ tensor: TensorInfo, of model: ModelFile) throws -> Bool {
        let shape = MatrixShape(
            type: tensor.type,
            rowCount: 1,
            columnCount: tensor.dimensions[0]
        )
        let row = WeightMatrix(
            shape,
            bytes: try model.file.read(tensor, from: 0, count: shape.rowByteCount)
        )
        var values: [Float] = []
        kernels.dequantize(row, rows: [0], into: &values)
        return kernels.allFinite(values)
    }

    /// Whether the model does not hand the tensor out, and blames its first block.
    private func isRefused(_ tensor: TensorInfo, of model: ModelFile) -> Bool {
        do throws(ModelError) {
            if tensor.dimensions.count == 3 {
                _ = try model.expert(ExpertID(layer: LayerIndex(0), index: 0))
            } else {
                _ = try model.matrix(.layer(0, .key))
            }
            return false
        } catch {
            let block = tensor.fileOffset..<tensor.fileOffset + tensor.type.blockByteCount
            guard case .notFinite(tensor.name, let offset, _) = error, block.contains(offset)
            else {
                Issue.record("\(error)")
                return true
            }
            return true
        }
    }

    static let computable = ElementType.allCases.filter(\.isComputable)

    @Test("Packed without padding, alignment 1, a file is as good as another")
    func alignmentOne() throws {
        let words = try answer { $0.metadata["general.alignment"] = .uint32(1) }
        #expect(words == "computed", "\(words)")
    }
}

/// One wrong value of a key, and a word of the answer.
struct Lie: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let key: String
    let value: GGUFValue?
    let word: String

    init(_ description: String, _ key: String, _ value: GGUFValue?, _ word: String) {
        testDescription = description
        self.key = key
        self.value = value
        self.word = word
    }
}
