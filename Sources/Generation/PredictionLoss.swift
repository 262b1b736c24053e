import Foundation

/// How far the predictions of a model that was made smaller are from its own.
public struct PredictionLoss: Equatable, Sendable {
    private var exactTotal = 0.0
    private var lossyTotal = 0.0
    private var divergenceTotal = 0.0
    private var sameCount = 0
    /// Predictions that were compared.
    public private(set) var count = 0

    public init() {}

    /// Compares the logits of one position.
    ///
    /// - Parameters:
    ///   - exact: `[vocabulary]`, finite.
    ///   - lossy: of the same position.
    ///   - next: the token that came.
    public mutating func add(
        exact: ArraySlice<Float>,
        lossy: ArraySlice<Float>,
        next: Int32
    ) {
        precondition(exact.count == lossy.count && exact.indices.count > Int(next))
        let first = Distribution(exact)
        let second = Distribution(lossy)
        var divergence = 0.0
        for (a, b) in zip(exact, lossy) {
            let logProbability = first.logProbability(a)
            divergence += exp(logProbability) * (logProbability - second.logProbability(b))
        }
        exactTotal -= first.logProbability(exact[exact.startIndex + Int(next)])
        lossyTotal -= second.logProbability(lossy[lossy.startIndex + Int(next)])
        // Below 0 only by rounding.
        divergenceTotal += max(0, divergence)
        if first.likeliest == second.likeliest { sameCount += 1 }
        count += 1
    }

    public var exactPerplexity: Double? { mean(exactTotal).map(exp) }
    public var lossyPerplexity: Double? { mean(lossyTotal).map(exp) }

    /// By which part the perplexity is higher; nil before anything was compared.
    public var perplexityLoss: Double? { mean(lossyTotal - exactTotal).map { expm1($0) } }

    /// The mean Kullback-Leibler divergence of the lossy predictions from the exact ones, in nats.
    public var divergence: Double? { mean(divergenceTotal) }

    /// In which part of the positions both find the same token likeliest.
    public var agreement: Double? { mean(Double(sameCount)) }

    private func mean(_ total: Double) -> Double? { count > 0 ? total / Double(count) : nil }
}

/// What makes probabilities of logits.
private struct Distribution {
    private let largest: Float
    private let logSum: Double
    /// The likeliest token, the lower one of equals.
    let likeliest: Int

    init(_ logits: ArraySlice<Float>) {
        var place = logits.startIndex
        for index in logits.indices where logits[index] > logits[place] { place = index }
        largest = logits.isEmpty ? 0 : logits[place]
        likeliest = place - logits.startIndex
        var total = 0.0
        for logit in logits { total += exp(Double(logit - largest)) }
        logSum = log(total)
    }

    func logProbability(_ logit: Float) -> Double { Double(logit - largest) - logSum }
}
