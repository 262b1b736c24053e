public import Kernels
public import Model
public import Tensors

extension LowTier {
    /// What a matrix of the file becomes.
    ///
    /// Blocks of 256 where rows are whole ones, else blocks of 32 and four bits. What that would
    /// not make smaller stays as it is.
    public func type(of stored: MatrixShape) -> ElementType {
        let wanted: ElementType =
            switch self {
            case .q4: .q4_K
            case .q3: .q3_K
            case .q2: .q2_K
            }
        let made = [wanted, .q4_0].first {
            stored.columnCount.isMultiple(of: $0.blockLength)
        }
        guard let made, let size = made.rowByteCount(columns: stored.columnCount),
            size < stored.rowByteCount
        else { return stored.type }
        return made
    }

    /// Whether a matrix has rows that are no whole blocks of those this tier is named after.
    public func isTooLong(for stored: MatrixShape) -> Bool {
        type(of: stored) == .q4_0 && stored.type != .q4_0
    }
}

extension ExpertLayout {
    /// What experts are like in a low tier.
    public func lowered(to tier: LowTier) -> ExpertLayout {
        let layers = layers.enumerated().map { index, layer -> Layer? in
            let first = ExpertID(layer: LayerIndex(index), index: 0)
            guard let layer, let shapes = storedShapes(of: first) else { return nil }
            return Layer(
                expertCount: layer.expertCount,
                width: layer.width,
                gateType: tier.type(of: shapes[0]),
                upType: tier.type(of: shapes[1]),
                downType: tier.type(of: shapes[2])
            )
        }
        let lowered = ExpertLayout(
            hiddenSize: hiddenSize,
            expertsPerToken: expertsPerToken,
            layers: layers
        )
        guard let lowered else {
            preconditionFailure("experts of \(hiddenSize) cannot be held in fewer bits")
        }
        return lowered
    }

    /// Whether a tier holds a layer's experts in fewer bits than they have; `[layer]`.
    public func areLowered(to tier: LowTier) -> [Bool] {
        zip(layers, lowered(to: tier).layers).map { $0 != $1 }
    }

    /// Layers whose experts have rows that are too short for a tier's blocks.
    public func shortRowCount(in tier: LowTier) -> Int {
        layers.indices.count { index in
            let first = ExpertID(layer: LayerIndex(index), index: 0)
            return storedShapes(of: first)?.contains(where: tier.isTooLong) ?? false
        }
    }
}

/// Makes experts of a low tier out of those of a model's file.
public struct ExpertLowering: Sendable {
    private let stored: ExpertLayout
    private let lowered: ExpertLayout
    private let importance: ColumnImportance?

    /// - Parameter importance: nil where nothing is known of the columns.
    public init(_ stored: ExpertLayout, to tier: LowTier, importance: ColumnImportance? = nil) {
        self.stored = stored
        self.importance = importance
        lowered = stored.lowered(to: tier)
    }

    /// Rounds an expert, and writes it where it is wanted.
    ///
    /// - Throws: `unknownExpert`, and what reading it and its columns' importance throws.
    public func write(
        _ id: ExpertID,
        of source: any StoredExpert,
        path: String,
        to writer: WeightWriter
    ) throws(ModelError) {
        guard let shapes = stored.storedShapes(of: id), let made = lowered.storedShapes(of: id)
        else { throw .unknownExpert(id, path: path) }
        for (index, shape) in shapes.enumerated() {
            let type = made[index].type
            let encoder = type == shape.type ? nil : WeightEncoder(to: type)
            let inputs = try encoder == nil ? nil : importance?.inputs(id, index)
            try source.read(index, rows: 0..<shape.rowCount) { rows, weights in
                guard let encoder else { return writer.write(rows, of: index, weights) }
                encoder.write(
                    rows,
                    of: index,
                    weights,
                    stored: shape,
                    inputs: inputs,
                    to: writer
                )
            }
        }
    }
}
