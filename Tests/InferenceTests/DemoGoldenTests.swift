import ClusterTesting
import Foundation
import Inference
import Kernels
import Model
import Testing

/// What `transformers` computes for the demo model, in float32.
private struct Golden: Decodable {
    struct Prompt: Decodable {
        var task: String
        var tokens: [Int32]
        var topIDs: [[Int]]
        var topLogits: [[Float]]
        var greedy: [Int32]
        var greedyMargins: [Float]

        enum CodingKeys: String, CodingKey {
            case task, tokens, greedy
            case topIDs = "top_ids"
            case topLogits = "top_logits"
            case greedyMargins = "greedy_margins"
        }
    }

    var prompts: [Prompt]

    static func read() throws -> Golden {
        let path = WholeModel.repository.appending(path: "Tests/Fixtures/demo/golden.json").path
        return try decode(Golden.self, at: path)
    }
}

@Suite("The demo model against transformers in float32")
struct DemoGoldenTests {
    /// Compares positions of all prompts; records where the largest logit is another one.
    ///
    /// - Parameter limit: how many positions of the prompt just computed to compare; nil for all.
    private func compare(
        _ forward: ForwardPass,
        marginToKeep: Float,
        limit: () -> Int? = { nil }
    ) throws -> Deviation {
        var deviation = Deviation()
        let width = forward.model.vocabularyCount
        for prompt in try Golden.read().prompts {
            let logits = try forward.logits(of: prompt.tokens, chunk: prompt.tokens.count)
            let count = limit() ?? prompt.tokens.count
            for (position, ids) in prompt.topIDs.prefix(count).enumerated() {
                let row = logits[position * width..<(position + 1) * width]
                let expected = prompt.topLogits[position]
                for (id, value) in zip(ids, expected) {
                    deviation.add(row[row.startIndex + id], value)
                }
                guard expected[0] - expected[1] > marginToKeep else { continue }
                let top = Int(largest(row))
                #expect(top == ids[0], "\(prompt.task) prompt, position \(position)")
            }
        }
        return deviation
    }

    /// Compares continuations up to the first choice that was a close one.
    private func compareGreedy(_ forward: ForwardPass, closest: Float) throws -> (Int, Int) {
        var (equal, certain) = (0, 0)
        for prompt in try Golden.read().prompts {
            let found = try forward.greedy(prompt.tokens, count: prompt.greedy.count)
            let count = prompt.greedyMargins.prefix { $0 >= closest }.count
            #expect(found.prefix(count) == prompt.greedy.prefix(count), "\(prompt.task)")
            equal += zip(found, prompt.greedy).prefix { $0 == $1 }.count
            certain += count
        }
        return (equal, certain)
    }

    @Test("With its integer weights, logits agree but for the rounding of activations")
    func integerWeights() throws {
        let forward = try WholeModel.demo.forward()
        let deviation = try compare(forward, marginToKeep: 0.5)
        let quantile = deviation.quantile(0.999)
        print(
            "demo logits: \(deviation.count) compared, mean error \(deviation.mean),",
            "99.9 % within \(quantile), largest \(deviation.largest)"
        )
        #expect(deviation.mean <= 0.04)
        #expect(quantile <= 1.2)
    }

    @Test("With its integer weights, it continues as the reference does while choices are clear")
    func integerContinuations() throws {
        let (equal, certain) = try compareGreedy(try WholeModel.demo.forward(), closest: 0.5)
        print(
            "demo greedy: \(equal) of 576 tokens equal before the first other; \(certain) certain"
        )
    }

    /// The reference keeps its cache in f32, ours is f16: where a router is tied, that decides.
    private static let tie = 1e-5

    @Test("Its float twin agrees within 0.02 until a router is tied")
    func floatTwin() throws {
        let file = try TemporaryFile("twin.gguf")
        try FloatTwin.write(of: WholeModel.demoPath, to: file.path)
        let model = try WholeModel(path: file.path)
        let kernels = Kernels(instructionSet: .detected, threadCount: 1)
        let recorder = RecordingRunner(model, kernels)
        let forward = model.forward(kernels: kernels, experts: recorder)
        let deviation = try compare(forward, marginToKeep: 0.05) {
            defer { recorder.forget() }
            return recorder.firstTie(model, closerThan: Self.tie)
        }
        print(
            "float twin logits: \(deviation.count) compared, mean error \(deviation.mean),",
            "largest \(deviation.largest)"
        )
        #expect(deviation.largest <= 0.02)
        // Of 587 positions two follow a tie.
        #expect(deviation.count >= 5800)
    }

    @Test("Its float twin continues as the reference does")
    func floatContinuations() throws {
        let file = try TemporaryFile("twin.gguf")
        try FloatTwin.write(of: WholeModel.demoPath, to: file.path)
        let forward = try WholeModel(path: file.path).forward()
        let (equal, certain) = try compareGreedy(forward, closest: 0.05)
        print("float twin greedy: \(equal) of 576 tokens equal; \(certain) certain")
    }
}
