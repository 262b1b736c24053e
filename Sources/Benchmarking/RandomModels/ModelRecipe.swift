public import Tensors

/// The shape of a model with random weights.
///
/// The defaults are the standard file of our comparisons: a real model's shape with fewer layers.
/// The family is `qwen3moe`, which other engines load too.
public struct ModelRecipe: Equatable, Sendable {
    public var hiddenSize = 2048
    public var expertCount = 128
    public var expertsPerToken = 8
    public var expertWidth = 768
    public var layerCount = 8
    public var headCount = 32
    public var keyValueHeadCount = 4
    public var headLength = 128
    public var vocabularyCount = 32768
    public var contextLength = 40960
    /// Of every matrix but the routers, which are F32.
    public var type = ElementType.q4_0
    /// Zipf exponent of the experts' popularity; 0 is (nearly) uniform.
    public var skew = 0.0
    public var seed: UInt64 = 1

    /// Types that random weights can be encoded as.
    public static let types: [ElementType] = [.q4_0, .q8_0, .q4_K, .q6_K, .f16, .bf16, .f32]

    public init() {}

    public var queryWidth: Int { headCount * headLength }
    public var keyWidth: Int { keyValueHeadCount * headLength }

    /// Refuses what makes no model, by name.
    public func validate() throws(RecipeError) {
        guard Self.types.contains(type) else { throw .type(type.name) }
        let blockLength = BlockEncoder.blockLength(of: type)
        try check("hidden", hiddenSize, 32...65_536, multipleOf: blockLength)
        try check("expert-width", expertWidth, 32...65_536, multipleOf: blockLength)
        try check("experts", expertCount, 1...1024)
        try check("top-k", expertsPerToken, 1...expertCount)
        try check("layers", layerCount, 1...512)
        try check("kv-heads", keyValueHeadCount, 1...512)
        try check("heads", headCount, 1...512, multipleOf: keyValueHeadCount)
        try check("head-length", headLength, 2...1024, multipleOf: 2)
        guard queryWidth % blockLength == 0 else {
            throw .notMultiple("heads x head-length", value: queryWidth, of: blockLength)
        }
        try check("vocabulary", vocabularyCount, GeneratedVocabulary.leastCount...1 << 20)
        try check("context", contextLength, 1...1 << 24)
        guard skew.isFinite, (0...8).contains(skew) else {
            throw .outOfRange("skew", value: "\(skew)", allowed: "0 to 8")
        }
    }

    private func check(
        _ name: String,
        _ value: Int,
        _ range: ClosedRange<Int>,
        multipleOf factor: Int = 1
    ) throws(RecipeError) {
        guard range.contains(value) else {
            let allowed = "\(range.lowerBound) to \(range.upperBound)"
            throw .outOfRange(name, value: "\(value)", allowed: allowed)
        }
        guard value % factor == 0 else { throw .notMultiple(name, value: value, of: factor) }
    }
}

/// Why no model can be made of a recipe.
public enum RecipeError: Error, Equatable, CustomStringConvertible {
    case type(String)
    case outOfRange(String, value: String, allowed: String)
    case notMultiple(String, value: Int, of: Int)

    public var description: String {
        switch self {
        case .type(let name):
            "random weights cannot be made as \(name), only as "
                + ModelRecipe.types.map(\.name).joined(separator: ", ")
        case .outOfRange(let name, let value, let allowed):
            "--\(name) is \(value); it must be \(allowed)"
        case .notMultiple(let name, let value, let factor):
            "--\(name) is \(value); it must be a multiple of \(factor)"
        }
    }
}
