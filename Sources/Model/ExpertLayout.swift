import GGUF
public import Tensors

/// What a worker must know of a model to hold its experts: how large they are, not where they lie.
public struct ExpertLayout: Equatable, Sendable {
    /// Width of the rows that experts take and give.
    public let hiddenSize: Int
    /// Experts chosen per row.
    public let expertsPerToken: Int
    /// One per layer, nil where a layer has no experts.
    public let layers: [Layer?]

    public struct Layer: Equatable, Sendable {
        public let expertCount: Int
        /// Feed-forward dimensions of each.
        public let width: Int
        public let gateType: ElementType
        public let upType: ElementType
        public let downType: ElementType

        public init(
            expertCount: Int,
            width: Int,
            gateType: ElementType,
            upType: ElementType,
            downType: ElementType
        ) {
            self.expertCount = expertCount
            self.width = width
            self.gateType = gateType
            self.upType = upType
            self.downType = downType
        }

        /// Whether gate and up multiply unrounded activations.
        public var needsValues: Bool { gateType.isFloat || upType.isFloat }
        /// Whether gate and up multiply int8 activations.
        public var needsQuants: Bool { !gateType.isFloat || !upType.isFloat }
    }

    /// Of no model.
    public static let none = ExpertLayout(unchecked: 0, expertsPerToken: 0, layers: [])

    /// Widest rows and experts: beyond any model known, and no product of two overflows.
    public static let largestSize = 1 << 20

    /// Checks sizes that may come from anywhere.
    ///
    /// - Returns: nil where no model that we compute can be like that.
    public init?(hiddenSize: Int, expertsPerToken: Int, layers: [Layer?]) {
        guard (1...Self.largestSize).contains(hiddenSize),
            (0...Self.largestSize).contains(expertsPerToken),
            layers.allSatisfy({ $0?.isComputable(hiddenSize: hiddenSize) ?? true })
        else { return nil }
        self.init(unchecked: hiddenSize, expertsPerToken: expertsPerToken, layers: layers)
    }

    private init(unchecked hiddenSize: Int, expertsPerToken: Int, layers: [Layer?]) {
        self.hiddenSize = hiddenSize
        self.expertsPerToken = expertsPerToken
        self.layers = layers
    }

    /// Experts in each layer.
    public var expertCounts: [Int] { layers.map { $0?.expertCount ?? 0 } }

    /// The shapes of an expert's matrices, gate, up and down, as a file stores them.
    ///
    /// - Returns: nil where the model has no such expert.
    public func storedShapes(of id: ExpertID) -> [MatrixShape]? {
        guard layers.indices.contains(id.layer.rawValue), let layer = layers[id.layer.rawValue],
            (0..<layer.expertCount).contains(id.index)
        else { return nil }
        return [
            MatrixShape(type: layer.gateType, rowCount: layer.width, columnCount: hiddenSize),
            MatrixShape(type: layer.upType, rowCount: layer.width, columnCount: hiddenSize),
            MatrixShape(type: layer.downType, rowCount: hiddenSize, columnCount: layer.width),
        ]
    }

    /// Bytes of a whole expert as a file stores it; nil where the model has no such expert.
    public func byteCount(of id: ExpertID) -> Int? {
        storedShapes(of: id)?.reduce(0) { $0 + $1.byteCount(in: .rows) }
    }

    /// The shapes of the matrices that an expert or a shard has in memory: gate, up and down.
    ///
    /// - Parameter source: where it is read from, for people.
    /// - Throws: `unknownExpert` and `badShard` too, so that parts from elsewhere may be asked for.
    public func shapes(
        of part: ExpertSlice,
        in source: String
    ) throws(ModelError) -> [MatrixShape] {
        guard let stored = storedShapes(of: part.expert) else {
            throw .unknownExpert(part.expert, path: source)
        }
        guard let dimensions = part.dimensions else { return stored }
        let width = stored[0].rowCount
        let step = ExpertSlice.step
        guard !dimensions.isEmpty, dimensions.lowerBound >= 0, dimensions.upperBound <= width,
            dimensions.lowerBound % step == 0,
            dimensions.upperBound % step == 0 || dimensions.upperBound == width
        else { throw .badShard(part, width: width, path: source) }
        return stored.enumerated().map { place, shape in
            place < 2
                ? MatrixShape(
                    type: shape.type,
                    rowCount: dimensions.count,
                    columnCount: shape.columnCount
                )
                : MatrixShape(type: shape.type, rowCount: shape.rowCount, columns: dimensions)
        }
    }

    /// Bytes of an expert or a shard in memory; 0 where the model has no such part.
    public func byteCount(of part: ExpertSlice) -> Int {
        do throws(ModelError) {
            return try shapes(of: part, in: "").reduce(0) { $0 + $1.byteCount(in: .rows) }
        } catch {
            return 0
        }
    }
}

extension ExpertLayout.Layer {
    fileprivate func isComputable(hiddenSize: Int) -> Bool {
        let sizes = 1...ExpertLayout.largestSize
        return sizes.contains(expertCount) && sizes.contains(width)
            && [gateType, upType, downType].allSatisfy(\.isComputable)
            // Both multiply the same rows, so both must take them in the same form.
            && gateType.isFloat == upType.isFloat
            && gateType.rowByteCount(columns: hiddenSize) != nil
            && upType.rowByteCount(columns: hiddenSize) != nil
            && downType.rowByteCount(columns: width) != nil
    }
}

extension ExpertLayout {
    /// Of a model whose tensor table was checked.
    init(_ model: ModelDescription, _ file: GGUFFile) throws(ModelError) {
        var layers: [Layer?] = []
        for (index, layer) in model.layers.enumerated() {
            let roles: [LayerRole] = [.expertGates, .expertUps, .expertDowns]
            let types = roles.compactMap {
                file.tensor(WeightName.layer(index, $0).description)?.type
            }
            guard layer.hasExperts, types.count == roles.count else {
                layers.append(nil)
                continue
            }
            layers.append(
                Layer(
                    expertCount: model.expertCount,
                    width: layer.expertWidth,
                    gateType: types[0],
                    upType: types[1],
                    downType: types[2]
                )
            )
        }
        guard
            let layout = ExpertLayout(
                hiddenSize: model.hiddenSize,
                expertsPerToken: model.expertsPerToken,
                layers: layers
            )
        else { throw .unsupported("a model with experts of these sizes") }
        self = layout
    }
}
