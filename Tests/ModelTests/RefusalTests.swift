import ClusterTesting
import GGUF
import Model
import Tensors
import Testing

@Suite("Files that are refused, by name")
struct RefusalTests {
    @Test("What is not spoiled opens")
    func control() throws {
        for recipe in TinyModel.ofEachFamily(seed: 1) {
            #expect(try refusal(of: recipe) { _ in } == nil)
        }
    }

    @Test("An unknown family is refused with the list of known ones")
    func unknownArchitecture() throws {
        let text = try #require(
            try refusal { $0.metadata["general.architecture"] = .text("gpt17") }
        )
        #expect(text.contains("gpt17"))
        for known in Architecture.known { #expect(text.contains(known.name)) }
    }

    @Test("A file without an architecture is refused")
    func noArchitecture() throws {
        let text = try refusal { $0.metadata["general.architecture"] = nil }
        #expect(text?.contains("general.architecture") == true)
    }

    @Test("Each tensor is missed by name", arguments: Architecture.known)
    func missingTensor(family: Architecture) throws {
        let recipe = TinyModel(family)
        // Without the output matrix the embedding takes its place; without its gate a shared
        // expert's other tensors have no role.
        for tensor in recipe.contents().tensors where tensor.name != "output.weight" {
            let text = try refusal(of: recipe) { $0[tensor.name] = nil }
            let stem = tensor.name.contains("shexp") ? "shexp" : tensor.name
            #expect(text?.contains(stem) == true, "\(tensor.name): \(text ?? "accepted")")
        }
    }

    @Test("Each tensor's shape is checked against its role", arguments: Architecture.known)
    func wrongShape(family: Architecture) throws {
        let recipe = TinyModel(family)
        for tensor in recipe.contents().tensors {
            var dimensions = tensor.dimensions
            dimensions[dimensions.count - 1] += 32
            let text = try refusal(of: recipe) {
                $0[tensor.name] = .zeros(tensor.name, tensor.type, dimensions)
            }
            // The embedding's rows are the vocabulary, and a gate's the width of its network, so
            // there the first tensor that does not fit is blamed.
            #expect(text != nil, "\(tensor.name)")
            #expect(text?.contains("needs [") == true, "\(tensor.name): \(text ?? "")")
        }
    }

    @Test("Experts' tensors of another number than expert_count are refused", arguments: [1, 4, 9])
    func otherExpertCount(count: UInt32) throws {
        let text = try refusal {
            $0.metadata["qwen3moe.expert_count"] = .uint32(count)
            $0.metadata["qwen3moe.expert_used_count"] = .uint32(1)
        }
        #expect(text?.contains("ffn_down_exps.weight") == true, "\(text ?? "accepted")")
        #expect(text?.contains("[64, 64, \(count)]") == true, "\(text ?? "accepted")")
    }

    @Test("A tensor without a known role is refused")
    func unknownTensor() throws {
        for name in ["blk.0.attn_sinks.weight", "rope_factors_long.weight", "v.patch_embd.weight"] {
            let text = try refusal { $0[name] = .zeros(name, .f32, [32]) }
            #expect(text?.contains(name) == true)
        }
    }

    @Test("Layers beyond the block count are refused")
    func surplusLayer() throws {
        let text = try refusal { $0.metadata["qwen3moe.block_count"] = .uint32(1) }
        #expect(text?.contains("blk.1.") == true)
    }

    @Test("Element types without kernels are refused with those that have some")
    func unsupportedType() throws {
        var recipe = TinyModel()
        recipe.hiddenSize = 256
        for type in ElementType.allCases where !type.isComputable {
            let name = "blk.1.attn_k.weight"
            let text = try refusal(of: recipe) { contents in
                let dimensions = contents[name]?.dimensions ?? []
                contents[name] = .zeros(name, type, dimensions)
            }
            #expect(text?.contains(name) == true && text?.contains(type.name) == true)
            #expect(text?.contains("Q8_0") == true)
        }
    }

    @Test("Norms and biases must be F32")
    func vectorType() throws {
        let text = try refusal {
            $0["output_norm.weight"] = .zeros("output_norm.weight", .f16, [64])
        }
        #expect(text?.contains("output_norm.weight") == true && text?.contains("F16") == true)
    }

    @Test("Gate and up of one network must both hold integers or both floats")
    func mixedPair() throws {
        let name = "blk.0.ffn_up_exps.weight"
        let text = try refusal { $0[name] = .zeros(name, .f32, [64, 64, 8]) }
        #expect(text?.contains(name) == true && text?.contains("F32") == true)
    }

    @Test("Experts in a tensor each, or gate and up in one, are refused by name")
    func otherLayouts() throws {
        let single = try refusal { contents in
            contents["blk.0.ffn_gate_exps.weight"] = nil
            contents["blk.0.ffn_gate.0.weight"] = .zeros("blk.0.ffn_gate.0.weight", .f32, [64, 64])
        }
        #expect(single?.contains("one tensor per expert") == true)
        let fused = try refusal { contents in
            contents["blk.0.ffn_gate_exps.weight"] = nil
            contents["blk.0.ffn_up_exps.weight"] = nil
            let name = "blk.0.ffn_gate_up_exps.weight"
            contents[name] = .zeros(name, .f32, [64, 128, 8])
        }
        #expect(fused?.contains("ffn_gate_exps") == true)
    }

    @Test("A vocabulary of another length than the embedding is refused")
    func vocabularyLength() throws {
        let text = try refusal {
            $0.metadata["tokenizer.ggml.tokens"] = .array(.strings(GGUFStrings(["a", "b"])))
        }
        #expect(text?.contains("tokenizer.ggml.tokens") == true)
        #expect(text?.contains("\(TinyVocabulary.tokenCount)") == true)
    }

    @Test("An expert that does not exist is an error, not a crash")
    func unknownExpert() throws {
        var recipe = TinyModel()
        recipe.denseLayers = [1]
        let model = try recipe.modelFile()
        for (layer, index) in [(0, 8), (0, -1), (0, .max), (1, 0), (2, 0), (-1, 0), (.max, .min)] {
            #expect(throws: ModelError.self) {
                try model.expert(ExpertID(layer: LayerIndex(layer), index: index))
            }
            _ = model.expertByteCount(LayerIndex(layer))
        }
    }
}
