import Foundation

/// How positions turn queries and keys: `rope.*` of the metadata, resolved to plain numbers.
public struct Rope: Equatable, Sendable {
    public let kind: Architecture.RopeKind
    /// Leading values of each head that turn; the rest stay.
    public let dimensionCount: Int
    /// `[dimensionCount / 2]`: radians per position.
    public let frequencies: [Double]
    /// Factor on the cosines and sines (YaRN's attention temperature); 1 without scaling.
    public let magnitude: Float

    /// `rope.scaling.type` with its numbers.
    public enum Scaling: Equatable, Sendable {
        case none
        /// Positions divided by the factor.
        case linear(factor: Double)
        /// YaRN (Peng et al. 2023, section 3): slow dimensions interpolated, fast ones kept.
        case yarn(Yarn)
    }

    public struct Yarn: Equatable, Sendable {
        public var factor: Double
        /// Context the model was trained with before scaling.
        public var originalContext: Double
        public var extrapolation: Double = 1
        /// Factor on the magnitude that YaRN's formula gives.
        public var attentionFactor: Double = 1
        /// Takes the place of that formula where the file says so.
        public var magnitude: Float?
        public var betaFast: Double = 32
        public var betaSlow: Double = 1

        public init(factor: Double, originalContext: Double) {
            self.factor = factor
            self.originalContext = originalContext
        }
    }

    /// - Parameter factors: `rope_freqs.weight`, `[dimensionCount / 2]` divisors of the
    ///   frequencies, or empty.
    public init(
        kind: Architecture.RopeKind,
        dimensionCount: Int,
        base: Double,
        scaling: Scaling,
        factors: [Float]
    ) {
        precondition(dimensionCount > 0 && dimensionCount % 2 == 0)
        precondition(factors.isEmpty || factors.count == dimensionCount / 2)
        self.kind = kind
        self.dimensionCount = dimensionCount
        let natural = (0..<dimensionCount / 2).map { pair in
            let frequency = pow(base, -2 * Double(pair) / Double(dimensionCount))
            return factors.isEmpty ? frequency : frequency / Double(factors[pair])
        }
        switch scaling {
        case .none:
            frequencies = natural
            magnitude = 1
        case .linear(let factor):
            frequencies = natural.map { $0 / factor }
            magnitude = 1
        case .yarn(let yarn):
            frequencies = natural.enumerated().map { pair, frequency in
                let kept =
                    yarn.extrapolation
                    * (1 - Self.ramp(pair, yarn: yarn, base: base, dimensionCount: dimensionCount))
                return frequency / yarn.factor * (1 - kept) + frequency * kept
            }
            magnitude =
                yarn.magnitude
                ?? Float(yarn.attentionFactor * (1 + 0.1 * log(yarn.factor)))
        }
    }

    /// 0 for pairs that turn often within the original context, 1 for those that hardly turn.
    private static func ramp(
        _ pair: Int,
        yarn: Yarn,
        base: Double,
        dimensionCount: Int
    ) -> Double {
        func dimension(turns: Double) -> Double {
            Double(dimensionCount) * log(yarn.originalContext / (turns * 2 * Double.pi))
                / (2 * log(base))
        }
        let last = Double(dimensionCount - 1)
        let low = max(0, dimension(turns: yarn.betaFast).rounded(.down))
        let high = min(last, dimension(turns: yarn.betaSlow).rounded(.up))
        return min(1, max(0, (Double(pair) - low) / max(0.001, high - low)))
    }
}
