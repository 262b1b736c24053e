/// A family of models as a table of facts: what differs from the common transformer layer.
///
/// Everything else is read from the file's metadata. A new family of the same kind is a new row
/// in `known`, not new code.
public struct Architecture: Equatable, Sendable {
    /// `general.architecture`, which is also the prefix of the family's metadata keys.
    public let name: String
    /// Which pairs of values a rotary embedding turns.
    public let ropeKind: RopeKind
    /// What the query and key norms span, where the family has them.
    public let queryKeyNorm: QueryKeyNorm
    /// Whether the chosen experts' gate weights are divided by their sum.
    public let normalizesGateWeights: Bool
    /// Whether layers with experts have a shared expert behind a sigmoid gate too.
    public let hasSharedExpert: Bool
    /// Whether query, key and value projections add a bias.
    public let attentionBias: AttentionBias

    public enum RopeKind: Equatable, Sendable {
        /// Values 2i and 2i+1 turn together.
        case adjacent
        /// Values i and i + half turn together.
        case halves
    }

    public enum QueryKeyNorm: Equatable, Sendable {
        case none
        /// Each head is normalised alone.
        case perHead
        /// All heads of a row are normalised as one vector.
        case wholeRow
    }

    public enum AttentionBias: Equatable, Sendable {
        case none
        /// Used where the file has the tensors.
        case optional
        case required
    }

    public static let known: [Architecture] = [
        Architecture(
            name: "qwen3moe",
            ropeKind: .halves,
            queryKeyNorm: .perHead,
            normalizesGateWeights: true,
            hasSharedExpert: false,
            attentionBias: .none
        ),
        Architecture(
            name: "qwen2moe",
            ropeKind: .halves,
            queryKeyNorm: .none,
            normalizesGateWeights: false,
            hasSharedExpert: true,
            attentionBias: .required
        ),
        // Mixtral calls itself llama; layers tell by their tensors whether they have experts.
        Architecture(
            name: "llama",
            ropeKind: .adjacent,
            queryKeyNorm: .none,
            normalizesGateWeights: true,
            hasSharedExpert: false,
            attentionBias: .optional
        ),
        Architecture(
            name: "olmoe",
            ropeKind: .halves,
            queryKeyNorm: .wholeRow,
            normalizesGateWeights: false,
            hasSharedExpert: false,
            attentionBias: .none
        ),
    ]

    /// Finds a family by name, or refuses it with the list of known ones.
    public static func named(_ name: String) throws(ModelError) -> Architecture {
        guard let found = known.first(where: { $0.name == name }) else {
            throw .unknownArchitecture(name, known: known.map(\.name))
        }
        return found
    }
}
