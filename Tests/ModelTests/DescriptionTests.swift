import ClusterTesting
import Foundation
import GGUF
import Kernels
import Model
import Tensors
import Testing

@Suite("What a model file says it is")
struct DescriptionTests {
    @Test("The demo model is described as its documentation does")
    func demo() throws {
        let model = try ModelFile(path: WholeModel.demoPath).description
        #expect(model.architecture.name == "qwen3moe")
        #expect(model.layerCount == 6 && model.hiddenSize == 256)
        #expect(model.expertCount == 32 && model.expertsPerToken == 2)
        #expect(model.layers.allSatisfy { $0.expertWidth == 256 && $0.needsQuants })
        #expect(model.layers.allSatisfy { !$0.needsValues && $0.denseWidth == 0 })
        #expect(model.headCount == 4 && model.keyValueHeadCount == 2 && model.keyLength == 64)
        #expect(model.contextLength == 2048 && model.vocabularyCount == 4096)
        #expect(model.tiesEmbeddings && model.normalizesGateWeights)
        #expect(model.expertCounts == Array(repeating: 32, count: 6))
    }

    @Test("Every reference model opens, with the family its file names")
    func fixtures() throws {
        let files = try FileManager.default.contentsOfDirectory(
            at: Fixture.directory,
            includingPropertiesForKeys: nil
        ).filter { $0.pathExtension == "gguf" }
        #expect(files.count >= 16)
        for url in files {
            let model = try ModelFile(path: url.path)
            let name = url.deletingPathExtension().lastPathComponent
            let family = String(name.prefix { $0 != "-" })
            let expected = family == "mixtral" ? "llama" : family
            #expect(model.description.architecture.name == expected, "\(name)")
            #expect(model.description.name == name)
            #expect(try model.vocabulary().tokens.count == model.description.vocabularyCount)
        }
    }

    @Test(
        "Layers without experts are told by their tensors",
        arguments: ["qwen3moe-dense", "qwen2moe-dense"]
    )
    func denseLayers(name: String) throws {
        let model = try ModelFile(path: Fixture.path(name)).description
        let dense = model.layers.filter { !$0.hasExperts }
        #expect(!dense.isEmpty && dense.allSatisfy { $0.denseWidth > 0 && $0.expertWidth == 0 })
        #expect(zip(model.expertCounts, model.layers).allSatisfy { ($0 > 0) == $1.hasExperts })
    }

    @Test("What sets a file apart is read from it")
    func variants() throws {
        let tied = try ModelFile(path: Fixture.path("qwen3moe-tied")).description
        #expect(tied.tiesEmbeddings && tied.keyLength == tied.hiddenSize / tied.headCount)
        let clamped = try ModelFile(path: Fixture.path("olmoe-clip")).description
        #expect(clamped.projectionClamp == 0.75)
        let yarn = try ModelFile(path: Fixture.path("qwen3moe-yarn")).description
        #expect(yarn.rope.magnitude > 1)
        let shared = try ModelFile(path: Fixture.path("qwen2moe")).description
        #expect(shared.layers.allSatisfy { $0.sharedWidth == 64 && $0.hasAttentionBias })
        #expect(!shared.normalizesGateWeights)
        let mixed = try ModelFile(path: Fixture.path("mixtral-bf16")).description
        #expect(mixed.layers.allSatisfy { $0.needsValues && !$0.needsQuants })
    }

    @Test("A tiny model of each family is what its recipe asks for", arguments: Architecture.known)
    func tiny(family: Architecture) throws {
        var recipe = TinyModel(family, seed: 3)
        recipe.layerCount = 3
        recipe.denseLayers = [1]
        let model = try recipe.modelFile().description
        #expect(model.architecture == family)
        #expect(model.expertCounts == [8, 0, 8])
        #expect(model.layers[1].denseWidth == recipe.denseWidth)
        #expect(model.layers[0].sharedWidth == (family.hasSharedExpert ? recipe.sharedWidth : 0))
    }

    @Test("Every type that is called computable has kernels, and no other")
    func computableTypes() {
        for type in ElementType.allCases {
            #expect(type.isComputable == Kernels.supports(type), "\(type.name)")
        }
    }
}
