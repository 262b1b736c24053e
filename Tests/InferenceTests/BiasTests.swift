import Inference
import Kernels
import Model
import Testing

private let biasKernels = Kernels(instructionSet: .detected, threadCount: 1)

@Suite("Biases and tokens held back")
struct BiasTests {
    private let logits: [Float] = [1, 3, 2, -1, 2.5]

    private func sampler(
        endTokens: [Int32] = [],
        _ change: (inout Sampling) -> Void
    ) -> Sampler {
        var sampling = Sampling.greedy
        change(&sampling)
        return Sampler(sampling, kernels: biasKernels, endTokens: endTokens)
    }

    @Test("A bias is added to its token's logit")
    func bias() {
        var raised = sampler { $0.logitBias = [3: 100] }
        #expect(raised.sample(logits[...]) == 3)
        var lowered = sampler { $0.logitBias = [1: -100] }
        #expect(lowered.sample(logits[...]) == 4)
        var small = sampler { $0.logitBias = [2: 0.75] }
        #expect(small.sample(logits[...]) == 1)
        var strange = sampler { $0.logitBias = [99: 100, -1: 100] }
        #expect(strange.sample(logits[...]) == 1)
    }

    @Test("Biases and penalties give what sampling changed logits gives", arguments: 1...20)
    func oracle(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let logits = (0..<200).map { _ in Float(random.unit() * 8 - 4) }
        var sampling = Sampling()
        sampling.seed = seed
        var plain = Sampler(sampling, kernels: biasKernels)
        for token in 0..<40 {
            let bias = Float(random.unit() * 10 - 5)
            sampling.logitBias[Int32(token * 3)] = bias
        }
        var biased = Sampler(sampling, kernels: biasKernels)
        var changed = logits
        for (token, bias) in sampling.logitBias { changed[Int(token)] += bias }
        for _ in 0..<20 {
            #expect(biased.sample(logits[...]) == plain.sample(changed[...]), "seed \(seed)")
        }
    }

    @Test("Neutral values change nothing", arguments: 1...10)
    func neutral(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let logits = (0..<300).map { _ in Float(random.unit() * 8 - 4) }
        var sampling = Sampling()
        sampling.seed = seed
        var plain = Sampler(sampling, kernels: biasKernels)
        sampling.stopTokens = [1, 2]
        sampling.penalizesPrompt = false
        sampling.scoreCount = 5
        var other = Sampler(sampling, kernels: biasKernels, endTokens: [3, 4])
        for _ in 0..<20 { #expect(other.sample(logits[...]) == plain.sample(logits[...])) }
    }

    @Test(
        "End tokens are held back until there are enough tokens, or for ever"
    )
    func ends() {
        var sampler = sampler(endTokens: [1]) {
            $0.minimumTokens = 2
            $0.stopTokens = [4]
        }
        sampler.accept(0, isPrompt: true)
        for expected: Int32 in [2, 2, 1, 1] {
            let token = sampler.sample(logits[...])
            #expect(token == expected)
            sampler.accept(token)
        }
        var endless = self.sampler(endTokens: [1]) { $0.ignoresEnd = true }
        for _ in 0..<5 {
            #expect(endless.sample(logits[...]) == 4)
            endless.accept(4)
        }
    }

    @Test("Where the prompt is not penalized, only tokens of the answer are")
    func promptCounts() {
        func chosen(penalizesPrompt: Bool, lastN: Int = -1) -> [Int32] {
            var sampler = sampler {
                $0.presencePenalty = 2
                $0.repeatLastN = lastN
                $0.penalizesPrompt = penalizesPrompt
            }
            sampler.accept(1, isPrompt: true)
            return (0..<3).map { _ in
                let token = sampler.sample(logits[...])
                sampler.accept(token)
                return token
            }
        }
        #expect(chosen(penalizesPrompt: true) == [4, 2, 0])
        #expect(chosen(penalizesPrompt: false) == [1, 4, 2])
        #expect(chosen(penalizesPrompt: false, lastN: 1) == [1, 4, 1])
    }

    private struct Refusal: Sendable {
        let name: String
        let change: @Sendable (inout Sampling) -> Void
    }

    private static let refusals: [Refusal] = [
        Refusal(name: "logit-bias") { $0.logitBias = [1: 100.5] },
        Refusal(name: "logit-bias") { $0.logitBias = [1: .nan] },
        Refusal(name: "min-tokens") { $0.minimumTokens = -1 },
        Refusal(name: "top-logprobs") { $0.scoreCount = 21 },
        Refusal(name: "top-logprobs") { $0.scoreCount = -1 },
        Refusal(name: "stop tokens") { $0.stopTokens = Array(repeating: 1, count: 65) },
        Refusal(name: "logit-bias entries") { sampling in
            for token in 0...1024 { sampling.logitBias[Int32(token)] = 1 }
        },
    ]

    @Test("Values out of range are refused by name", arguments: 0..<refusals.count)
    func ranges(index: Int) {
        let refusal = Self.refusals[index]
        var sampling = Sampling()
        refusal.change(&sampling)
        do throws(SamplingError) {
            try sampling.validate()
            Issue.record("taken")
        } catch {
            guard case .outOfRange(let found, _, _) = error else { return }
            #expect(found == refusal.name)
        }
    }
}
