import Benchmarking
import ClusterTesting
import Foundation
import GGUF
import Generation
import Inference
import Kernels
import Model
import Tensors
import Testing
import Tokenizer

/// A recipe small enough for a test.
func tinyRecipe(_ type: ElementType = .q4_0) -> ModelRecipe {
    var recipe = ModelRecipe()
    recipe.hiddenSize = 256
    recipe.expertCount = 16
    recipe.expertsPerToken = 4
    recipe.expertWidth = 256
    recipe.layerCount = 2
    recipe.headCount = 4
    recipe.keyValueHeadCount = 2
    recipe.headLength = 64
    recipe.vocabularyCount = 1000
    recipe.type = type
    return recipe
}

/// Writes a model and lends its path for as long as `body` runs.
func withMade<Result>(_ recipe: ModelRecipe, _ body: (String) throws -> Result) throws -> Result {
    let file = try TemporaryFile("random.gguf")
    return try withExtendedLifetime(file) {
        try RandomModel(recipe).write(to: file.path)
        return try body(file.path)
    }
}

/// Writes and opens a model, which stays open when its name is gone.
func made(_ recipe: ModelRecipe) throws -> ModelFile {
    try withMade(recipe) { try ModelFile(path: $0) }
}

@Suite("Models of random weights")
struct RandomModelTests {
    @Test("A file of every type loads and runs", arguments: ModelRecipe.types)
    func runs(type: ElementType) throws {
        let model = try WholeModel(made(tinyRecipe(type)))
        #expect(model.description.expertCount == 16)
        let forward = model.forward()
        var batch = Batch()
        let context = try forward.makeContext(capacity: 8)
        batch.append([1, 700, 42][...], from: 0, of: context, logits: .last)
        var logits: [Float] = []
        try forward.run(batch, logits: &logits)
        #expect(logits.count == 1000)
        try forward.requireFinite(logits[...])
        let spread = logits.map { $0 * $0 }.reduce(0, +) / 1000
        #expect((0.2...5).contains(spread), "activations keep their size: \(spread)")
    }

    @Test("The same seed makes the same file, another one another")
    func deterministic() throws {
        func bytes(_ seed: UInt64) throws -> Data {
            var recipe = tinyRecipe()
            recipe.seed = seed
            return try withMade(recipe) { try Data(contentsOf: URL(filePath: $0)) }
        }
        let first = try bytes(7)
        #expect(try bytes(7) == first)
        #expect(try bytes(8) != first)
    }

    @Test("Encoded values are those that were drawn, as near as the type allows")
    func precision() throws {
        func weights(_ type: ElementType) throws -> [Float] {
            let matrix = try made(tinyRecipe(type)).matrix(.output)
            var row: [Float] = []
            Kernels(instructionSet: .scalar, threadCount: 1).dequantize(matrix, row: 3, into: &row)
            return row
        }
        // Blocks of 32 are drawn alike, and so are blocks of 256.
        for (fine, coarse, limit) in [
            (ElementType.f32, ElementType.f16, 1e-6), (.f32, .bf16, 1e-4), (.f32, .q8_0, 1e-4),
            (.f32, .q4_0, 0.01), (.q6_K, .q4_K, 0.01),
        ] {
            let (exact, rounded) = (try weights(fine), try weights(coarse))
            let error = zip(exact, rounded).map { Double(($0 - $1) * ($0 - $1)) }.reduce(0, +)
            let size = exact.map { Double($0 * $0) }.reduce(0, +)
            #expect(error / size < limit, "\(coarse.name): \(error / size)")
        }
    }

    @Test("The vocabulary has the size asked for, and text comes back from its tokens")
    func vocabulary() throws {
        let file = try made(tinyRecipe())
        let tokenizer = try Tokenizer(file.vocabulary())
        #expect(file.description.vocabularyCount == 1000)
        let text = "the quick brown fox; 12 Grüße\n"
        let tokens = try tokenizer.encode(Array(text.utf8), addSpecial: false, parseSpecial: false)
        #expect(tokens.count < text.utf8.count, "some merges apply")
        #expect(tokenizer.decode(tokens) == Array(text.utf8))
    }

    @Test("Bytes of weights per token are those of what a token meets")
    func weightBytes() throws {
        let file = try made(tinyRecipe(.q8_0))
        let weights = WeightBytes(of: file)
        let expert = 3 * 256 * 256 / 32 * 34
        #expect(weights.experts == 2 * 16 * expert)
        #expect(weights.workers() == 2 * 4 * expert)
        #expect(weights.output == 1000 * 256 / 32 * 34)
        #expect(weights.embeddingRow == 256 / 32 * 34)
        #expect(weights.step() == weights.coordinator() + weights.workers())
        // Two tokens share a quarter of their experts: 16 (1 - (3/4)^2) are met.
        #expect(weights.workers(rows: 2) == 2 * 7 * expert)
    }

    @Test("A recipe that makes no model is refused by name")
    func refused() {
        let slips: [(name: String, change: (inout ModelRecipe) -> Void)] = [
            ("--hidden", { $0.hiddenSize = 100 }), ("--top-k", { $0.expertsPerToken = 17 }),
            ("--head-length", { $0.headLength = 63 }), ("--heads", { $0.headCount = 3 }),
            ("--vocabulary", { $0.vocabularyCount = 258 }), ("--layers", { $0.layerCount = 0 }),
            ("--experts", { $0.expertCount = 0 }), ("--context", { $0.contextLength = -1 }),
        ]
        for slip in slips {
            var recipe = tinyRecipe()
            slip.change(&recipe)
            let error = #expect(throws: RecipeError.self) { try RandomModel(recipe) }
            #expect(error?.description.contains(slip.name) == true, "\(slip.name)")
        }
    }

    @Test("A skew that is no number and a type that cannot be made are refused")
    func refusedOthers() {
        var recipe = tinyRecipe()
        recipe.skew = .nan
        #expect(throws: RecipeError.outOfRange("skew", value: "nan", allowed: "0 to 8")) {
            try recipe.validate()
        }
        recipe = tinyRecipe(.iq4_xs)
        #expect(throws: RecipeError.type("IQ4_XS")) { try recipe.validate() }
    }
}
