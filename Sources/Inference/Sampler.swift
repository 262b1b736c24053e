import Foundation

/// Chooses tokens from logits for one sequence.
///
/// The steps and their order are llama-server's: penalties, top-k, top-p, min-p, temperature,
/// then one random draw. Equal logits rank by the lower token, so the same logits and seed give
/// the same token everywhere.
public struct Sampler: Sendable {
    private let sampling: Sampling
    private var random: SeededRandom
    /// Tokens the penalties look at, oldest first.
    private var recent: [Int32] = []
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

    public init(_ sampling: Sampling) {
        self.sampling = sampling
        random = SeededRandom(seed: sampling.seed ?? UInt64.random(in: .min ... .max))
    }

    /// Tells the penalties that a token stands in the context.
    public mutating func accept(_ token: Int32) {
        guard sampling.repeatLastN != 0 else { return }
        recent.append(token)
        let limit = sampling.repeatLastN
        // Trimmed in bulk, so that accepting stays cheap.
        if limit > 0 && recent.count / 2 >= limit { recent.removeFirst(recent.count - limit) }
    }

    /// The next token.
    ///
    /// - Parameter logits: `[vocabulary]`; none is NaN.
    public mutating func sample(_ logits: ArraySlice<Float>) -> Int32 {
        guard sampling.temperature > 0 else { return greedyChoice(logits) }
        prepareCandidates(logits)
        applyPenalties()
        keepTopK()
        computeProbabilities(temperature: 1)
        keepTopP()
        dropUnlikely()
        computeProbabilities(temperature: sampling.temperature)
        return draw()
    }

    private var penalized: Bool {
        sampling.repeatLastN != 0
            && (sampling.repeatPenalty != 1 || sampling.presencePenalty != 0
                || sampling.frequencyPenalty != 0)
    }

    private mutating func greedyChoice(_ logits: ArraySlice<Float>) -> Int32 {
        guard !penalized else {
            prepareCandidates(logits)
            applyPenalties()
            return candidates.min(by: Candidate.precedes)?.token ?? 0
        }
        return Self.largest(logits)
    }

    /// The index of the largest logit, the lower of equal ones.
    public static func largest(_ logits: ArraySlice<Float>) -> Int32 {
        var best = logits.startIndex
        for index in logits.indices where logits[index] > logits[best] { best = index }
        return Int32(best - logits.startIndex)
    }

    private mutating func prepareCandidates(_ logits: ArraySlice<Float>) {
        candidates.removeAll(keepingCapacity: true)
        candidates.reserveCapacity(logits.count)
        for (token, logit) in logits.enumerated() {
            candidates.append(Candidate(token: Int32(token), logit: logit))
        }
    }

    private mutating func applyPenalties() {
        guard penalized else { return }
        let window = sampling.repeatLastN < 0 ? recent[...] : recent.suffix(sampling.repeatLastN)
        var counts: [Int32: Int] = [:]
        for token in window { counts[token, default: 0] += 1 }
        for (token, count) in counts where candidates.indices.contains(Int(token)) {
            var logit = candidates[Int(token)].logit
            logit = logit > 0 ? logit / sampling.repeatPenalty : logit * sampling.repeatPenalty
            logit -= Float(count) * sampling.frequencyPenalty + sampling.presencePenalty
            candidates[Int(token)].logit = logit
        }
    }

    /// A run this long is cheap to insert into; for a longer one sorting everything is cheaper.
    private static let longestRun = 512

    private mutating func keepTopK() {
        let k = sampling.topK
        guard k > 0, k < candidates.count, k <= Self.longestRun else {
            candidates.sort(by: Candidate.precedes)
            if k > 0 { candidates.removeLast(max(0, candidates.count - k)) }
            return
        }
        // Keeps a sorted run of k; most logits lose against its last one at once.
        var kept = Array(candidates.prefix(k))
        kept.sort(by: Candidate.precedes)
        for candidate in candidates.dropFirst(k) where Candidate.precedes(candidate, kept[k - 1]) {
            let place = kept.firstIndex { Candidate.precedes(candidate, $0) } ?? k - 1
            kept.removeLast()
            kept.insert(candidate, at: place)
        }
        candidates = kept
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

/// SplitMix64: small, seeded, and the same on every machine.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number in 0 ..< 1 with 53 random bits.
    public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
