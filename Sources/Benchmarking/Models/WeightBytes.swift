import GGUF
public import Model
import Tensors

/// How many bytes of weights one step reads, by who holds them: the sketch of every speed.
public struct WeightBytes: Equatable, Sendable {
    /// Attention, routers, shared experts and norms: read whole in each step, by the coordinator.
    public let core: Int
    /// The output matrix: the coordinator's too, read whole where logits are wanted.
    public let output: Int
    /// One row of the embedding.
    public let embeddingRow: Int
    /// All experts of all layers: the workers'.
    public let experts: Int
    public let expertCount: Int
    public let expertsPerToken: Int

    public init(of model: ModelFile) {
        let description = model.description
        var core = 0
        var output = 0
        var experts = 0
        for tensor in model.file.tensors {
            switch tensor.name {
            case WeightName.tokenEmbedding.description:
                if description.tiesEmbeddings { output += tensor.byteCount }
            case WeightName.output.description: output += tensor.byteCount
            case let name where Self.isExpert(name): experts += tensor.byteCount
            default: core += tensor.byteCount
            }
        }
        self.core = core
        self.output = output
        self.experts = experts
        let embedding = model.file.tensor(WeightName.tokenEmbedding.description)
        embeddingRow = (embedding?.byteCount ?? 0) / max(1, description.vocabularyCount)
        expertCount = description.expertCount
        expertsPerToken = description.expertsPerToken
    }

    private static func isExpert(_ name: String) -> Bool {
        LayerRole.allCases.contains { $0.isExpert && name.hasSuffix(".\($0.rawValue)") }
    }

    /// What the coordinator reads in a decode step of `rows` sequences.
    public func coordinator(rows: Int = 1) -> Int { core + output + rows * embeddingRow }

    /// What all workers together read in a decode step of `rows` sequences, if the routers choose
    /// evenly: each distinct expert once.
    public func workers(rows: Int = 1) -> Int {
        guard expertCount > 0 else { return 0 }
        return Int((Double(experts) * distinctShare(rows: rows)).rounded())
    }

    public func step(rows: Int = 1) -> Int { coordinator(rows: rows) + workers(rows: rows) }

    /// The share of experts that at least one of `rows` tokens chooses.
    private func distinctShare(rows: Int) -> Double {
        let missed = 1 - Double(expertsPerToken) / Double(expertCount)
        var allMissed = 1.0
        for _ in 0..<rows { allMissed *= missed }
        return 1 - allMissed
    }
}
