import GGUF
public import Tensors

/// A matrix that lies in a model file and is not read yet.
public struct StoredMatrix: Sendable {
    public let shape: MatrixShape
    let tensor: TensorInfo
    /// Where in the tensor's data its first row starts.
    let start: Int
}

extension ModelFile {
    /// A matrix outside the experts.
    public func stored(_ name: WeightName) throws(ModelError) -> StoredMatrix {
        let tensor = try tensor(name)
        let shape = MatrixShape(
            type: tensor.type,
            rowCount: tensor.dimensions.count > 1 ? tensor.dimensions[1] : 1,
            columnCount: tensor.dimensions[0]
        )
        return StoredMatrix(shape: shape, tensor: tensor, start: 0)
    }

    /// An expert's three matrices: gate, up and down.
    ///
    /// - Throws: `unknownExpert` too, so that ids from elsewhere may be asked for.
    public func stored(_ id: ExpertID) throws(ModelError) -> [StoredMatrix] {
        try requireKnown(id)
        let hidden = description.hiddenSize
        let width = description.layers[id.layer.rawValue].expertWidth
        let parts = try expertTensors(id.layer)
        return zip(parts, [(width, hidden), (width, hidden), (hidden, width)]).map { part, size in
            StoredMatrix(
                shape: MatrixShape(type: part.type, rowCount: size.0, columnCount: size.1),
                tensor: part,
                start: id.index * (part.byteCount / description.expertCount)
            )
        }
    }

    /// The shapes of the matrices that an expert or a shard has in memory: gate, up and down.
    ///
    /// - Throws: `unknownExpert` and `badShard` too, so that parts from elsewhere may be asked for.
    public func shapes(of part: ExpertSlice) throws(ModelError) -> [MatrixShape] {
        try layout.shapes(of: part, in: path)
    }

    /// Bytes of an expert or a shard; 0 where the model has no such part.
    public func byteCount(of part: ExpertSlice) -> Int { layout.byteCount(of: part) }

    /// Tells the system that a matrix is read soon.
    public func announce(_ matrix: StoredMatrix) {
        let count = matrix.shape.byteCount(in: .rows)
        file.announce(matrix.tensor, from: matrix.start, count: count)
    }

    /// Tells the system that an expert is read soon; one that does not exist is passed over.
    public func announce(_ id: ExpertID) {
        do throws(ModelError) {
            for matrix in try stored(id) { announce(matrix) }
        } catch {
            // Whoever reads it is told.
        }
    }

    /// Tells the system that everything outside the experts is read soon.
    public func announceCore() {
        for tensor in file.tensors where tensor.dimensions.count < 3 {
            file.announce(tensor, from: 0, count: tensor.byteCount)
        }
    }

    /// Reads rows of a matrix piece by piece, in order, and refuses what is no number.
    ///
    /// A piece is small enough to be still in the processor's cache when `body` has it.
    public func read(
        _ matrix: StoredMatrix,
        rows: Range<Int>,
        _ body: (_ rows: Range<Int>, _ weights: RawSpan) throws(ModelError) -> Void
    ) throws(ModelError) {
        try matrix.shape.readPieces(
            of: rows,
            fill: { offset, span throws(ModelError) in
                try read(matrix.tensor, from: matrix.start + offset, into: &span)
            },
            to: body
        )
    }

    /// What there is too little memory for, as an error.
    public func shortage(_ shortage: MemoryShortage) -> ModelError {
        .shortage(shortage, path: path)
    }
}
