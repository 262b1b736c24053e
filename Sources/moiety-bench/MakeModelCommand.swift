import ArgumentParser
import Benchmarking
import Foundation
import GGUF
import Model
import Tensors
import Terminal

struct MakeModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make-model",
        abstract: "Writes a model of random weights and a real model's shape.",
        discussion: """
            The file is a qwen3moe model that llama.cpp loads too. The defaults make the standard \
            file of our comparisons; the same options and seed make the same file.
            """
    )

    @Argument(help: "The file to write.")
    var file: String

    @Option(help: "Q4_0, Q8_0, Q4_K, Q6_K, F16, BF16 or F32: the type of all matrices.")
    var type = "Q4_0"

    @Option(help: "Width of the residual stream.")
    var hidden = ModelRecipe().hiddenSize

    @Option(help: "Experts of each layer.")
    var experts = ModelRecipe().expertCount

    @Option(name: .customLong("top-k"), help: "Experts that each token goes to.")
    var topK = ModelRecipe().expertsPerToken

    @Option(help: "Width of each expert.")
    var expertWidth = ModelRecipe().expertWidth

    @Option(help: "Layers.")
    var layers = ModelRecipe().layerCount

    @Option(help: "Attention heads.")
    var heads = ModelRecipe().headCount

    @Option(help: "Heads of keys and values.")
    var kvHeads = ModelRecipe().keyValueHeadCount

    @Option(help: "Values of each head.")
    var headLength = ModelRecipe().headLength

    @Option(help: "Tokens of the vocabulary.")
    var vocabulary = ModelRecipe().vocabularyCount

    @Option(help: "Positions the model claims to be made for.")
    var context = ModelRecipe().contextLength

    @Option(help: "Zipf exponent of the experts' popularity; 0 is uniform.")
    var skew = 0.0

    @Option(help: "Start of all that is random.")
    var seed: UInt64 = 1

    @OptionGroup var output: OutputOptions

    func validate() throws {
        do {
            try recipe().validate()
        } catch {
            throw ValidationError("\(error)")
        }
    }

    private func recipe() throws -> ModelRecipe {
        guard let elementType = ElementType.allCases.first(where: { $0.name == type.uppercased() })
        else { throw RecipeError.type(type) }
        var recipe = ModelRecipe()
        recipe.hiddenSize = hidden
        recipe.expertCount = experts
        recipe.expertsPerToken = topK
        recipe.expertWidth = expertWidth
        recipe.layerCount = layers
        recipe.headCount = heads
        recipe.keyValueHeadCount = kvHeads
        recipe.headLength = headLength
        recipe.vocabularyCount = vocabulary
        recipe.contextLength = context
        recipe.type = elementType
        recipe.skew = skew
        recipe.seed = seed
        return recipe
    }

    func run() throws {
        let start = ContinuousClock.now
        try RandomModel(recipe()).write(to: file) { Console.progress("writing \($0)") }
        let seconds = Format.seconds(ContinuousClock.now - start)
        let figures = MadeModelFigures(try ModelFile(path: file), seconds: seconds)
        guard !output.json else { return try Console.writeJSON(figures) }
        Console.endProgress()
        Console.write(figures.table.text)
    }
}

/// What `make-model --json` prints.
private struct MadeModelFigures: Encodable {
    let file: String
    let fileBytes: Int
    let seconds: Double
    let weightBytesPerToken: Int
    let coordinatorWeightBytesPerToken: Int

    enum CodingKeys: String, CodingKey {
        case file, seconds
        case fileBytes = "file_bytes"
        case weightBytesPerToken = "weight_bytes_per_token"
        case coordinatorWeightBytesPerToken = "coordinator_weight_bytes_per_token"
    }

    init(_ model: ModelFile, seconds: Double) {
        let weights = WeightBytes(of: model)
        file = model.path
        fileBytes = model.file.byteCount
        self.seconds = seconds.rounded3
        weightBytesPerToken = weights.step()
        coordinatorWeightBytesPerToken = weights.coordinator()
    }

    var table: Table {
        var table = Table([("", .left), ("", .left)])
        table.add(["file", file])
        table.add(["size", Format.bytes(fileBytes)])
        table.add(["weights per token", Format.bytes(weightBytesPerToken)])
        table.add(["of them the coordinator's", Format.bytes(coordinatorWeightBytesPerToken)])
        table.add(["time", "\(Format.fixed(seconds)) s"])
        return table
    }
}
