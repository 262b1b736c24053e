import Foundation
public import GGUF
import Model
import Tensors

/// A model of random weights, of a real model's shape, written as a GGUF file.
///
/// Weights are Gaussian with variance 1 / inputs, so that activations keep their size.
///
/// Skew: the family's router has no bias, so a constant channel stands in for one. Value 0 of the
/// residual stream is the same for every token (the embedding's first column), no layer writes to
/// it (row 0 of what leads back is zero), and the norms before attention and output hide it. The
/// router's first column is then a bias: minus the skew times the logarithm of the expert's rank.
/// Its other weights give logits of the deviation of a Gumbel variable, which makes top-k nearly a
/// draw without replacement by Zipf's law. Ranks are a random order in each layer.
public struct RandomModel {
    private let recipe: ModelRecipe
    private let pool: WeightPool

    /// The standard deviation of a Gumbel variable, π / √6.
    private static let gumbelDeviation = 1.2825498
    /// Bytes made at a time.
    private static let pieceByteCount = 1 << 22

    /// What a row has besides random values.
    private enum Mark {
        case none
        /// The first value is 1, its block has zeros besides.
        case constant
        /// All values of row 0 of every so many rows are 0.
        case emptyRow(every: Int)
    }

    public init(_ recipe: ModelRecipe) throws(RecipeError) {
        try recipe.validate()
        self.recipe = recipe
        pool = WeightPool(type: recipe.type, seed: recipe.seed)
    }

    /// Writes the file; it appears when it is complete.
    ///
    /// - Parameter progress: told each tensor's name as its turn comes.
    public func write(
        to path: String,
        progress: @escaping (String) -> Void = { _ in }
    ) throws(GGUFError) {
        var writer = GGUFWriter(metadata: Self.metadata(of: recipe))
        let (hidden, width) = (recipe.hiddenSize, recipe.expertWidth)
        func add(_ name: String, _ dimensions: [Int], _ mark: Mark = .none, embeds: Bool = false) {
            let deviation = embeds ? 1 : 1 / Float(dimensions[0]).squareRoot()
            addMatrix(name, dimensions, deviation, mark, to: &writer, progress)
        }
        add("token_embd", [hidden, recipe.vocabularyCount], .constant, embeds: true)
        for layer in 0..<recipe.layerCount {
            let prefix = "blk.\(layer)."
            addNorms(prefix, to: &writer)
            add(prefix + "attn_q", [hidden, recipe.queryWidth])
            add(prefix + "attn_k", [hidden, recipe.keyWidth])
            add(prefix + "attn_v", [hidden, recipe.keyWidth])
            add(prefix + "attn_output", [recipe.queryWidth, hidden], .emptyRow(every: hidden))
            writer.add(
                prefix + "ffn_gate_inp.weight",
                dimensions: [hidden, recipe.expertCount],
                values: router(layer)
            )
            add(prefix + "ffn_gate_exps", [hidden, width, recipe.expertCount])
            add(prefix + "ffn_up_exps", [hidden, width, recipe.expertCount])
            let downs = [width, hidden, recipe.expertCount]
            add(prefix + "ffn_down_exps", downs, .emptyRow(every: hidden))
        }
        writer.add("output_norm.weight", dimensions: [hidden], values: normWithoutConstant)
        add("output", [hidden, recipe.vocabularyCount])
        try writer.write(to: path)
    }

    private func addMatrix(
        _ name: String,
        _ dimensions: [Int],
        _ deviation: Float,
        _ mark: Mark,
        to writer: inout GGUFWriter,
        _ progress: @escaping (String) -> Void
    ) {
        writer.add(
            name + ".weight",
            type: recipe.type,
            dimensions: dimensions
        ) { sink throws(GGUFError) in
            progress(name)
            let rowByteCount = recipe.type.rowByteCount(columns: dimensions[0]) ?? 0
            let rowCount = dimensions.dropFirst().reduce(1, *)
            let step = max(1, Self.pieceByteCount / rowByteCount)
            var random = random(for: name)
            var bytes: [UInt8] = []
            for start in stride(from: 0, to: rowCount, by: step) {
                let rows = start..<min(start + step, rowCount)
                bytes.resize(to: rows.count * rowByteCount, filler: 0)
                pool.fill(&bytes, deviation: deviation, using: &random)
                apply(mark, to: &bytes, rows: rows, rowByteCount: rowByteCount)
                try sink.append(bytes)
            }
        }
    }

    private func apply(_ mark: Mark, to bytes: inout [UInt8], rows: Range<Int>, rowByteCount: Int) {
        func replaceBlocks(ofRow row: Int, with block: [UInt8], count: Int) {
            let start = (row - rows.lowerBound) * rowByteCount
            for place in 0..<count {
                let first = start + place * block.count
                bytes.replaceSubrange(first..<first + block.count, with: block)
            }
        }
        switch mark {
        case .none: break
        case .constant:
            let block = pool.block(first: 1)
            for row in rows { replaceBlocks(ofRow: row, with: block, count: 1) }
        case .emptyRow(let period):
            let block = pool.block(first: 0)
            for row in rows where row % period == 0 {
                replaceBlocks(ofRow: row, with: block, count: rowByteCount / block.count)
            }
        }
    }

    private func addNorms(_ prefix: String, to writer: inout GGUFWriter) {
        let ones = Array(repeating: Float(1), count: recipe.hiddenSize)
        let headOnes = Array(repeating: Float(1), count: recipe.headLength)
        for (name, values) in [
            ("attn_norm", normWithoutConstant), ("attn_q_norm", headOnes),
            ("attn_k_norm", headOnes), ("ffn_norm", ones),
        ] {
            writer.add(prefix + name + ".weight", dimensions: [values.count], values: values)
        }
    }

    private var normWithoutConstant: [Float] {
        [0] + Array(repeating: 1, count: recipe.hiddenSize - 1)
    }

    /// `[experts, hidden]`.
    private func router(_ layer: Int) -> [Float] {
        var random = random(for: "router \(layer)")
        var gaussian = GaussianRandom(seed: random.next())
        let deviation = Self.gumbelDeviation / Double(recipe.hiddenSize).squareRoot()
        var values: [Float] = []
        for rank in Self.shuffled(recipe.expertCount, using: &random) {
            values.append(Float(-recipe.skew * log(Double(rank + 1))))
            for _ in 1..<recipe.hiddenSize { values.append(Float(gaussian.next() * deviation)) }
        }
        return values
    }

    /// 0 ..< `count` in random order, the same on every machine.
    private static func shuffled(_ count: Int, using random: inout SeededRandom) -> [Int] {
        var order = Array(0..<count)
        for place in stride(from: count - 1, to: 0, by: -1) {
            order.swapAt(place, Int(random.next() % UInt64(place + 1)))
        }
        return order
    }

    /// Random numbers of a tensor's own, whatever tensors there are besides (FNV-1a).
    private func random(for name: String) -> SeededRandom {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325 ^ recipe.seed
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return SeededRandom(seed: hash)
    }
}
