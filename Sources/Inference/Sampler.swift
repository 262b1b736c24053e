import Foundation
public import Kernels
import Model

/// Chooses tokens from logits for one sequence.
///
/// The steps and their order are llama-server's: penalties and biases, top-k, top-p, min-p,
/// temperature, then one random draw. Equal logits rank by the lower token, so the same logits and
/// seed give the same token everywhere.
public struct Sampler: Sendable {
    private let sampling: Sampling
    private var random: SeededRandom
    private let kernels: Kernels
    /// Tokens the penalties look at, oldest first.
    private var recent: [Int32] = []
    /// How many of them, the oldest, are the prompt's.
    private var promptCount = 0
    /// The logits with penalties and biases; empty where there are none.
    private var adjusted: [Float] = []
    private var counts: [Int32: Int] = [:]
    /// The same without the prompt, where that makes a difference.
    private var answerCounts: [Int32: Int] = [:]
    /// Tokens that may end the answer, which are held back at times.
    private let endTokens: [Int32]
    private let stopTokens: [Int32]
    private var madeCount = 0
    private var candidates: [Candidate] = []

    struct Candidate: Sendable {
        var token: Int32
        var logit: Float
        var probability: Double = 0

        /// Larger logits first; equal ones by the lower token.
        static func precedes(_ a: Candidate, _ b: Candidate) -> Bool {
            a.logit > b.logit || (a.logit == b.logit && a.token < b.token)
        }
    }

    /// - Parameter endTokens: the model's own, which are held back where the sampling says so.
    public init(_ sampling: Sampling, kernels: Kernels, endTokens: [Int32] = []) {
        self.sampling = sampling
        self.kernels = kernels
        self.endTokens = endTokens
        stopTokens = sampling.stopTokens
        random = SeededRandom(seed: sampling.seed ?? UInt64.random(in: .min ... .max))
    }

    /// Tells the penalties that a token stands in the context.
    public mutating func accept(_ token: Int32, isPrompt: Bool = false) {
        if !isPrompt { madeCount += 1 }
        guard isPenalizing else { return }
        recent.append(token)
        if isPrompt { promptCount += 1 }
        let limit = sampling.repeatLastN
        // Trimmed in bulk, so that accepting stays cheap.
        if limit > 0 && recent.count / 2 >= limit {
            promptCount = max(0, promptCount - (recent.count - limit))
            recent.removeFirst(recent.count - limit)
        }
    }

    /// The next token.
    ///
    /// - Parameter logits: `[vocabulary]`; none is NaN, and one is more than minus infinity.
    public mutating func sample(_ logits: ArraySlice<Float>) -> Int32 {
        guard isPenalizing || !sampling.logitBias.isEmpty || holdsEndBack else {
            return choose(logits)
        }
        adjusted.removeAll(keepingCapacity: true)
        adjusted.append(contentsOf: logits)
        if isPenalizing { applyPenalties() }
        applyBiases()
        // Lent out, so that choosing copies nothing.
        let lent = adjusted
        adjusted = []
        defer { adjusted = lent }
        return choose(lent[...])
    }

    /// Takes a token that this sampler, in a former life, chose at this place: what it chooses next
    /// is what it would have chosen then.
    public mutating func replay(_ token: Int32) {
        // One draw for each token, however many candidates there were.
        if sampling.temperature > 0 { _ = random.unit() }
        accept(token)
    }

    private mutating func choose(_ logits: ArraySlice<Float>) -> Int32 {
        guard sampling.temperature > 0 else { return Int32(kernels.largest(logits)) }
        takeCandidates(logits)
        computeProbabilities(temperature: 1)
        keepTopP()
        dropUnlikely()
        computeProbabilities(temperature: sampling.temperature)
        return draw()
    }

    private var isPenalizing: Bool {
        sampling.repeatLastN != 0
            && (sampling.repeatPenalty != 1 || sampling.presencePenalty != 0
                || sampling.frequencyPenalty != 0)
    }

    /// Whether the answer may not end yet.
    private var holdsEndBack: Bool { sampling.ignoresEnd || madeCount < sampling.minimumTokens }

    private mutating func applyPenalties() {
        let window = sampling.repeatLastN < 0 ? recent[...] : recent.suffix(sampling.repeatLastN)
        Self.count(window, into: &counts)
        if !sampling.penalizesPrompt {
            Self.count(
                window[max(window.startIndex, min(promptCount, window.endIndex))...],
                into: &answerCounts
            )
        }
        for (token, count) in counts where adjusted.indices.contains(Int(token)) {
            var logit = adjusted[Int(token)]
            logit = logit > 0 ? logit / sampling.repeatPenalty : logit * sampling.repeatPenalty
            let count = sampling.penalizesPrompt ? count : answerCounts[token] ?? 0
            if count > 0 {
                logit -= Float(count) * sampling.frequencyPenalty + sampling.presencePenalty
            }
            adjusted[Int(token)] = logit
        }
    }

    private static func count(_ tokens: ArraySlice<Int32>, into counts: inout [Int32: Int]) {
        counts.removeAll(keepingCapacity: true)
        for token in tokens { counts[token, default: 0] += 1 }
    }

    private mutating func applyBiases() {
        for (token, bias) in sampling.logitBias where adjusted.indices.contains(Int(token)) {
            adjusted[Int(token)] += bias
        }
        guard holdsEndBack else { return }
        holdBack(endTokens)
        if madeCount < sampling.minimumTokens { holdBack(stopTokens) }
    }

    private mutating func holdBack(_ tokens: [Int32]) {
        for token in tokens where adjusted.indices.contains(Int(token)) {
            adjusted[Int(token)] = -.infinity
        }
    }

    /// A run this long is cheap to insert into; for a longer one sorting everything is cheaper.
    private static let longestRun = 512

    /// The `topK` largest logits, or all, largest first.
    private mutating func takeCandidates(_ logits: ArraySlice<Float>) {
        let k = sampling.topK > 0 ? min(sampling.topK, logits.count) : logits.count
        let isShort = k <= Self.longestRun
        candidates.removeAll(keepingCapacity: true)
        for (token, logit) in logits.prefix(isShort ? k : logits.count).enumerated() {
            candidates.append(Candidate(token: Int32(token), logit: logit))
        }
        candidates.sort(by: Candidate.precedes)
        guard isShort else { return candidates.removeLast(candidates.count - k) }
        // Keeps a sorted run of k; most logits lose against its last one at once.
        var start = k
        while let last = candidates.last,
            let token = kernels.firstAbove(last.logit, in: logits, from: start)
        {
            insert(Candidate(token: Int32(token), logit: logits[logits.startIndex + token]))
            start = token + 1
        }
    }

    /// Puts a candidate where it belongs, and drops the last one.
    private mutating func insert(_ candidate: Candidate) {
        var place = candidates.count - 1
        while place > 0, Candidate.precedes(candidate, candidates[place - 1]) {
            candidates[place] = candidates[place - 1]
            place -= 1
        }
        candidates[place] = candidate
    }

    private mutating func computeProbabilities(temperature: Float) {
        guard let largest = candidates.first?.logit else { return }
        var total = 0.0
        for index in candidates.indices {
            let weight = exp(Double((candidates[index].logit - largest) / temperature))
            candidates[index].probability = weight
            total += weight
        }
        for index in candidates.indices { candidates[index].probability /= total }
    }

    private mutating func keepTopP() {
        guard sampling.topP < 1 else { return }
        var total = 0.0
        for index in candidates.indices {
            total += candidates[index].probability
            if total >= Double(sampling.topP) {
                candidates.removeLast(candidates.count - index - 1)
                return
            }
        }
    }

    private mutating func dropUnlikely() {
        guard sampling.minP > 0, let likeliest = candidates.first?.probability else { return }
        let floor = likeliest * Double(sampling.minP)
        candidates.removeAll { $0.probability < floor }
    }

    private mutating func draw() -> Int32 {
        var left = random.unit()
        for candidate in candidates {
            left -= candidate.probability
            if left < 0 { return candidate.token }
        }
        return candidates.last?.token ?? 0
    }
}
