import Foundation
import Inference
import Kernels
import Model
import Testing

private let samplerKernels = Kernels(instructionSet: .detected, threadCount: 1)

/// The sampler's definition, written the obvious way in double precision.
private struct NaiveSampler {
    let sampling: Sampling
    var random: SeededRandom
    var context: [Int32] = []

    init(_ sampling: Sampling) {
        self.sampling = sampling
        random = SeededRandom(seed: sampling.seed ?? 0)
    }

    private func penalized(_ logits: [Float]) -> [Double] {
        let n = sampling.repeatLastN
        let window = n < 0 ? context[...] : context.suffix(n)
        return logits.enumerated().map { token, logit in
            let count = window.count { $0 == Int32(token) }
            guard count > 0 else { return Double(logit) }
            let penalty = Double(sampling.repeatPenalty)
            let scaled = logit > 0 ? Double(logit) / penalty : Double(logit) * penalty
            return scaled - Double(count) * Double(sampling.frequencyPenalty)
                - Double(sampling.presencePenalty)
        }
    }

    private static func softmax(_ logits: [Double], temperature: Double = 1) -> [Double] {
        let powers = logits.map { exp(($0 - (logits.max() ?? 0)) / temperature) }
        return powers.map { $0 / powers.reduce(0, +) }
    }

    mutating func sample(_ logits: [Float]) -> Int32 {
        let values = penalized(logits)
        var tokens = values.indices.sorted { (values[$1], $0) < (values[$0], $1) }
        if sampling.temperature <= 0 { return Int32(tokens[0]) }
        if sampling.topK > 0 { tokens = Array(tokens.prefix(sampling.topK)) }
        let probabilities = Self.softmax(tokens.map { values[$0] })
        if sampling.topP < 1 {
            var total = 0.0
            let kept = probabilities.prefix { probability in
                defer { total += probability }
                return total < Double(sampling.topP)
            }
            tokens = Array(tokens.prefix(max(1, kept.count)))
        }
        let floor = probabilities[0] * Double(sampling.minP)
        tokens = zip(tokens, probabilities).filter { $0.1 >= floor }.map(\.0)
        let chances = Self.softmax(
            tokens.map { values[$0] },
            temperature: Double(sampling.temperature)
        )
        var left = random.unit()
        for (token, chance) in zip(tokens, chances) {
            left -= chance
            if left < 0 { return Int32(token) }
        }
        return Int32(tokens.last ?? 0)
    }
}

@Suite("Choosing tokens")
struct SamplerTests {
    static let settings: [Sampling] = {
        var list = [Sampling()]
        func add(_ change: (inout Sampling) -> Void) {
            var sampling = Sampling()
            change(&sampling)
            list.append(sampling)
        }
        add {
            $0.topK = 0
            $0.topP = 1
            $0.minP = 0
            $0.temperature = 1
        }
        add {
            $0.topK = 3
            $0.topP = 1
            $0.minP = 0
        }
        add {
            $0.topK = 0
            $0.topP = 0.6
            $0.minP = 0
        }
        add {
            $0.topK = 0
            $0.topP = 0
            $0.minP = 0
        }
        add {
            $0.topK = 0
            $0.topP = 1
            $0.minP = 0.3
            $0.temperature = 2
        }
        add {
            $0.repeatPenalty = 1.3
            $0.repeatLastN = 10
        }
        add {
            $0.presencePenalty = 1.5
            $0.frequencyPenalty = 0.7
            $0.repeatLastN = -1
        }
        add {
            $0.repeatPenalty = 2
            $0.temperature = 0
            $0.repeatLastN = 5
        }
        add {
            $0.repeatPenalty = 2
            $0.repeatLastN = 0
        }
        return list
    }()

    @Test("It draws what its definition draws", arguments: settings.indices)
    func naive(index: Int) {
        var sampling = Self.settings[index]
        sampling.seed = 1234 + UInt64(index)
        var sampler = Sampler(sampling, kernels: samplerKernels)
        var naive = NaiveSampler(sampling)
        var random = SeededRandom(seed: UInt64(index))
        for step in 0..<400 {
            let logits = (0..<50).map { _ in Float(random.unit() * 12 - 6) }
            let token = sampler.sample(logits[...])
            #expect(token == naive.sample(logits), "step \(step)")
            sampler.accept(token)
            naive.context.append(token)
        }
    }

    @Test("Equal logits go to the lower token, and slices count from their own start")
    func ties() {
        let logits: [Float] = [9, 1, 7, 7, 3, 7]
        var sampler = Sampler(.greedy, kernels: samplerKernels)
        #expect(sampler.sample(logits[1...]) == 1)
        #expect(sampler.sample([-.infinity, -.infinity]) == 0)
        var one = Sampling()
        one.topK = 1
        var drawn = Sampler(one, kernels: samplerKernels)
        #expect(drawn.sample([2, 5, 5, 5]) == 1)
        one.repeatPenalty = 1.5
        one.temperature = 0
        var penalized = Sampler(one, kernels: samplerKernels)
        penalized.accept(1)
        #expect(penalized.sample([2, 5, 5, 5]) == 2)
    }

    @Test("The same seed draws the same tokens, another one others")
    func seeds() {
        func draw(_ seed: UInt64?) -> [Int32] {
            var sampling = Sampling()
            sampling.seed = seed
            sampling.temperature = 1.5
            var sampler = Sampler(sampling, kernels: samplerKernels)
            let logits = (0..<100).map { Float($0 % 7) }
            return (0..<64).map { _ in sampler.sample(logits[...]) }
        }
        #expect(draw(1) == draw(1))
        #expect(draw(1) != draw(2))
        #expect(draw(nil) != draw(nil))
    }

    @Test("Tokens come as often as their probabilities say")
    func distribution() {
        let probabilities = [0.4, 0.3, 0.15, 0.1, 0.05]
        var sampling = Sampling()
        (sampling.temperature, sampling.topK, sampling.topP, sampling.minP) = (1, 0, 1, 0)
        sampling.seed = 99
        var sampler = Sampler(sampling, kernels: samplerKernels)
        let logits = probabilities.map { Float(log($0)) }
        var counts = probabilities.map { _ in 0 }
        let draws = 20000
        for _ in 0..<draws { counts[Int(sampler.sample(logits[...]))] += 1 }
        let chiSquare = zip(counts, probabilities).reduce(0.0) { sum, pair in
            let expected = pair.1 * Double(draws)
            return sum + pow(Double(pair.0) - expected, 2) / expected
        }
        // Four degrees of freedom: 1 in 1000 exceeds 18.5.
        #expect(chiSquare < 18.5, "seed 99: \(counts)")
    }

    @Test("Hostile settings and logits draw some token, and never trap")
    func extremes() {
        var sampling = Sampling()
        sampling.repeatLastN = .max
        sampling.topK = .max
        sampling.repeatPenalty = 0.01
        sampling.temperature = .leastNonzeroMagnitude
        var sampler = Sampler(sampling, kernels: samplerKernels)
        for logits: [Float] in [[0], [3e38, -3e38, 3e38], [-.infinity, 0], [5, 5, 5]] {
            let token = sampler.sample(logits[...])
            #expect(logits.indices.contains(Int(token)))
            for _ in 0..<3 { sampler.accept(token) }
            sampler.accept(.max)
            sampler.accept(-7)
        }
    }

    @Test("Values out of range are refused by name")
    func validation() throws {
        let bad: [(String, (inout Sampling) -> Void)] = [
            ("temperature", { $0.temperature = -1 }), ("temperature", { $0.temperature = .nan }),
            ("temperature", { $0.temperature = .infinity }), ("top-k", { $0.topK = -1 }),
            ("top-p", { $0.topP = 1.5 }), ("top-p", { $0.topP = .nan }),
            ("min-p", { $0.minP = -0.1 }), ("repeat-penalty", { $0.repeatPenalty = 0 }),
            ("presence-penalty", { $0.presencePenalty = .infinity }),
            ("frequency-penalty", { $0.frequencyPenalty = 1000 }),
            ("repeat-last-n", { $0.repeatLastN = -2 }),
        ]
        for (name, change) in bad {
            var sampling = Sampling()
            change(&sampling)
            let error = #expect(throws: SamplingError.self) { try sampling.validate() }
            #expect(error?.description.hasPrefix(name + " is ") == true)
        }
        try Sampling().validate()
        try Sampling.greedy.validate()
    }
}
