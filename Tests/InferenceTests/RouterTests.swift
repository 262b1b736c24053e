import ClusterTesting
import GGUF
import Inference
import Kernels
import Model
import Testing

@Suite("The router")
struct RouterTests {
    private func record(
        _ contents: TinyModelContents,
        seed: UInt64,
        present: PresentExperts? = nil
    ) throws -> (WholeModel, [RecordingRunner.Visit]) {
        let model = try contents.wholeModel()
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        let recorder = RecordingRunner(model, kernels)
        let forward = model.forward(kernels: kernels, experts: recorder)
        recorder.present = present
        let count = forward.model.vocabularyCount
        _ = try forward.logits(of: randomTokens(60, below: count, seed: seed))
        return (model, recorder.visits)
    }

    @Test("It chooses and weighs as a naive softmax and sort do", arguments: Architecture.known)
    func naive(family: Architecture) throws {
        var recipe = TinyModel(family, seed: 8)
        recipe.expertCount = 13
        recipe.expertsPerToken = 3
        let (model, visits) = try record(recipe.contents(), seed: 3)
        #expect(visits.count == recipe.layerCount)
        for visit in visits {
            let router = try #require(NaiveRouter(model, layer: visit.layer))
            #expect(visit.routing.topK == 3 && visit.routing.rowCount == 60)
            #expect(visit.routing.wanted.isEmpty)
            for row in 0..<visit.routing.rowCount {
                let probabilities = router.probabilities(visit.row(row))
                let chosen = NaiveRouter.ranking(probabilities).prefix(3)
                let places = row * 3..<(row + 1) * 3
                #expect(visit.routing.experts[places].map(Int.init) == Array(chosen))
                let total = chosen.reduce(0) { $0 + probabilities[$1] }
                let divisor = family.normalizesGateWeights ? total : 1
                for (place, expert) in zip(places, chosen) {
                    let expected = probabilities[expert] / divisor
                    #expect(abs(Double(visit.routing.weights[place]) - expected) < 1e-5)
                }
            }
        }
    }

    @Test("Equal probabilities go to the lower expert")
    func ties() throws {
        var contents = TinyModel(seed: 8).contents()
        let name = "blk.0.ffn_gate_inp.weight"
        var router = try #require(contents[name])
        let row = router.bytes.count / 8
        // Experts 2, 5 and 7 are one expert three times; 0 and 1 another twice.
        for (copy, original) in [(5, 2), (7, 2), (1, 0)] {
            let source = router.bytes[original * row..<(original + 1) * row]
            router.bytes.replaceSubrange(copy * row..<(copy + 1) * row, with: source)
        }
        contents[name] = router
        let (_, visits) = try record(contents, seed: 4)
        let routing = visits[0].routing
        var tieCount = 0
        for start in stride(from: 0, to: routing.experts.count, by: 2) {
            let pair = routing.experts[start..<start + 2].map { $0 }
            #expect(pair[0] != 7 && pair[1] != 7)
            #expect(pair[0] != 5 || routing.weights[start] != routing.weights[start + 1])
            #expect(pair[0] != 1)
            if pair == [2, 5] || pair == [0, 1] { tieCount += 1 }
        }
        #expect(tieCount > 0)
        for start in stride(from: 0, to: routing.weights.count, by: 2) {
            #expect(routing.weights[start] >= routing.weights[start + 1])
        }
    }

    @Test(
        "Where experts are absent, the next-ranked present ones are taken",
        arguments: [4, 9, 13]
    )
    func absent(count: Int) throws {
        var recipe = TinyModel(seed: 8)
        recipe.expertCount = 13
        recipe.expertsPerToken = 3
        let contents = recipe.contents()
        let description = try contents.wholeModel().description
        var random = SeededRandom(seed: UInt64(count))
        let experts = description.expertCounts.enumerated().flatMap { layer, experts in
            (0..<experts).shuffled(using: &random).prefix(count).map {
                ExpertID(layer: LayerIndex(layer), index: $0)
            }
        }
        let present = try PresentExperts(experts, of: description)
        let (model, visits) = try record(contents, seed: 3, present: present)
        #expect(visits.count == recipe.layerCount)
        for visit in visits {
            let router = try #require(NaiveRouter(model, layer: visit.layer))
            for row in 0..<visit.routing.rowCount {
                let probabilities = router.probabilities(visit.row(row))
                let ranking = NaiveRouter.ranking(probabilities)
                let chosen = ranking.filter {
                    present.contains(ExpertID(layer: visit.layer, index: $0))
                }.prefix(3)
                let places = row * 3..<(row + 1) * 3
                #expect(visit.routing.experts[places].map(Int.init) == Array(chosen))
                #expect(visit.routing.wanted[places].map(Int.init) == Array(ranking.prefix(3)))
                let total = chosen.reduce(0) { $0 + probabilities[$1] }
                for (place, expert) in zip(places, chosen) {
                    let weight = Double(visit.routing.weights[place])
                    #expect(abs(weight - probabilities[expert] / total) < 1e-5)
                }
            }
        }
    }

    @Test("Fewer present experts than a token takes are refused")
    func tooFew() throws {
        let description = try TinyModel(seed: 8).contents().wholeModel().description
        let least = description.expertsPerToken
        let experts = description.expertCounts.enumerated().flatMap { layer, _ in
            (0..<(layer == 1 ? least - 1 : least)).map {
                ExpertID(layer: LayerIndex(layer), index: $0)
            }
        }
        #expect(
            throws: TooFewExperts(layer: LayerIndex(1), count: least - 1, least: least)
        ) {
            try PresentExperts(experts, of: description)
        }
    }

    @Test("The file may turn normalising on or off, and scale what comes out")
    func keys() throws {
        var contents = TinyModel(seed: 8).contents()
        let (_, before) = try record(contents, seed: 5)
        for sum in (0..<60).map({ before[0].routing.weights[2 * $0...2 * $0 + 1].reduce(0, +) }) {
            #expect(abs(sum - 1) < 1e-6)
        }
        contents.metadata["qwen3moe.expert_weights_scale"] = .float32(2.5)
        let (_, scaled) = try record(contents, seed: 5)
        #expect(scaled[0].routing.weights == before[0].routing.weights.map { $0 * 2.5 })
        contents.metadata["qwen3moe.expert_weights_norm"] = .bool(false)
        contents.metadata["qwen3moe.expert_weights_scale"] = nil
        let (_, plain) = try record(contents, seed: 5)
        #expect(plain[0].routing.experts == before[0].routing.experts)
        #expect((0..<60).allSatisfy { plain[0].routing.weights[2 * $0] < 1 })
        #expect(plain[0].routing.weights != before[0].routing.weights)
    }
}
