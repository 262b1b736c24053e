import Foundation
public import Kernels
import Model

/// Chooses tokens from logits for one sequence.
///
/// The steps and their order are llama-server's: penalties, top-k, top-p, min-p, temperature,
/// then one random draw. Equal logits rank by the lower token, so the same logits and seed give
/// the same token everywhere.
public struct Sampler: Sendable {
    private let sampling: Sampling
    private var random: SeededRandom
    private let kernels: Kernels
    /// Tokens the penalties look at, oldest first.
    private var recent: [Int32] = []
    /// The logits with penalties; empty where there are none.
    private var adjusted: [Float] = []
    private var counts: [Int32: Int] = [:]
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

    public init(_ sampling: Sampling, kernels: Kernels) {
        self.sampling = sampling
        self.kernels = kernels
        random = SeededRandom(seed: sampling.seed ?? UInt64.random(in: .min ... .max))
    }

    /// Tells the penalties that a token stands in the context.
    public mutating func accept(_ token: Int32) {
        guard isPenalizing else { return }
        recent.append(token)
        let limit = sampling.repeatLastN
        // Trimmed in bulk, so that accepting stays cheap.
        if limit > 0 && recent.count / 2 >= limit { recent.removeFirst(recent.count - limit) }
    }

    /// The next token.
    ///
    /// - Parameter logits: `[vocabulary]`; none is NaN.
    public mutating func sample(_ logits: ArraySlice<Float>) -> Int32 {
        guard isPenalizing else { return choose(logits) }
        applyPenalties(logits)
        // Lent out, so that choosing copies nothing.
        let penalized = adjusted
        adjusted = []
        defer { adjusted = penalized }
        return choose(penalized[...])
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

    private mutating func applyPenalties(_ logits: ArraySlice<Float>) {
        adjusted.removeAll(keepingCapacity: true)
        adjusted.append(contentsOf: logits)
        let window = sampling.repeatLastN < 0 ? recent[...] : recent.suffix(sampling.repeatLastN)
        counts.removeAll(keepingCapacity: true)
        for token in window { counts[token, default: 0] += 1 }
        for (token, count) in counts where adjusted.indices.contains(Int(token)) {
            var logit = adjusted[Int(token)]
            logit = logit > 0 ? logit / sampling.repeatPenalty : logit * sampling.repeatPenalty
            logit -= Float(count) * sampling.frequencyPenalty + sampling.presencePenalty
            adjusted[Int(token)] = logit
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
