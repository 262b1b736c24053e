import ClusterTesting
import Foundation
import Inference
import Model
import Testing

extension ForwardPass {
    /// The logits of every position, computed `chunk` positions at a time.
    func logits(of tokens: [Int32], chunk: Int = 64) throws(ForwardError) -> [Float] {
        let context = try makeContext(capacity: tokens.count)
        var all: [Float] = []
        var some: [Float] = []
        for start in stride(from: 0, to: tokens.count, by: chunk) {
            var batch = Batch()
            let slice = tokens[start..<min(start + chunk, tokens.count)]
            batch.append(slice, from: start, of: context, logits: .all)
            try run(batch, logits: &some)
            all += some
        }
        return all
    }

    /// The most likely continuation.
    func greedy(_ prompt: [Int32], count: Int) throws(ForwardError) -> [Int32] {
        let context = try makeContext(capacity: prompt.count + count)
        var generated: [Int32] = []
        var next = prompt[...]
        var position = 0
        var logits: [Float] = []
        while generated.count < count {
            var batch = Batch()
            batch.append(next, from: position, of: context, logits: .last)
            try run(batch, logits: &logits)
            position += next.count
            generated.append(largest(logits[...]))
            next = generated.suffix(1)
        }
        return generated
    }
}

/// Equality that tells apart what `==` on floats does not.
func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }

/// The index of the largest value, the lower of equal ones, found the obvious way.
func largest(_ logits: ArraySlice<Float>) -> Int32 {
    let best = logits.indices.min { (-logits[$0], $0) < (-logits[$1], $1) }
    return Int32((best ?? logits.startIndex) - logits.startIndex)
}

func randomTokens(_ count: Int, below limit: Int, seed: UInt64) -> [Int32] {
    var random = SeededRandom(seed: seed)
    return (0..<count).map { _ in Int32.random(in: 0..<Int32(limit), using: &random) }
}

/// A model and a name for it in test reports.
struct NamedModel: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let model: WholeModel

    /// The demo model, a tiny one of each family with integer weights, and one with dense layers.
    static let integerModels: [NamedModel] = {
        var recipes = TinyModel.ofEachFamily(seed: 5)
        recipes[0].layerCount = 3
        recipes[0].denseLayers = [1]
        var models: [NamedModel] = []
        do {
            models.append(NamedModel(testDescription: "demo", model: try .demo))
            for recipe in recipes {
                let model = try recipe.wholeModel()
                models.append(NamedModel(testDescription: model.description.name, model: model))
            }
            for name in ["qwen3moe-quantised", "qwen3moe-kquants"] {
                models.append(
                    NamedModel(testDescription: name, model: try WholeModel(path: fixture(name)))
                )
            }
        } catch {
            // The count is what a test checks.
            return []
        }
        return models
    }()
}

func fixture(_ name: String, _ type: String = "gguf") -> String {
    URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Fixtures/\(name).\(type)").path
}

func decode<Value: Decodable>(_: Value.Type, at path: String) throws -> Value {
    try JSONDecoder().decode(Value.self, from: Data(contentsOf: URL(filePath: path)))
}

/// How far results are from a reference.
struct Deviation {
    private var errors: [Double] = []

    mutating func add(_ found: Float, _ expected: Float) {
        errors.append(Double(abs(found - expected)))
    }

    var count: Int { errors.count }
    var mean: Double { errors.reduce(0, +) / Double(max(1, errors.count)) }
    var largest: Double { errors.max() ?? 0 }

    func quantile(_ part: Double) -> Double {
        let sorted = errors.sorted()
        return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(part * Double(sorted.count)))]
    }
}
