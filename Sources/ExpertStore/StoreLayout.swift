public import Kernels
public import Model
public import Tensors

/// Where experts lie in a store file, and how they lie in memory: the same bytes.
///
/// ```
/// page 0     what the file is: its format, its model, its size
/// page 1 …   experts, by layer, then index; each in whole pages, as products want them
/// behind     a checksum for each expert, and one of page 0 and all of them
/// ```
///
/// An expert is one read. Nothing depends on the instruction set, so a file may move to another
/// machine with its model.
public struct StoreLayout: Sendable {
    /// Bytes of a page: what reads begin and end with.
    public static let pageByteCount = DirectFile.alignment
    /// Bytes of a read: enough for a disk's full speed, and little to wait for when one is given
    /// up.
    public static let blockByteCount = 512 << 10

    /// Room for any expert.
    public let slotByteCount: Int
    /// Experts in all layers.
    public let expertCount: Int
    /// Where the checksums start.
    let tableOffset: Int
    private let layers: [Layer?]

    private struct Layer: Sendable {
        let start: Int
        let firstNumber: Int
        let expertCount: Int
        let extentByteCount: Int
        let places: MatrixPlaces
    }

    /// - Throws: `unsupported` where the experts together have more bytes than can be counted.
    public init(_ experts: ExpertLayout) throws(ModelError) {
        var layers: [Layer?] = []
        var end = Self.pageByteCount
        var number = 0
        var largest = 0
        for index in experts.layers.indices {
            let first = ExpertID(layer: LayerIndex(index), index: 0)
            guard let shapes = experts.storedShapes(of: first) else {
                layers.append(nil)
                continue
            }
            let places = MatrixPlaces(shapes, in: .panels)
            let layer = Layer(
                start: end,
                firstNumber: number,
                expertCount: experts.expertCounts[index],
                extentByteCount: Self.pages(places.byteCount),
                places: places
            )
            layers.append(layer)
            number += layer.expertCount
            largest = max(largest, layer.extentByteCount)
            end = try Self.end(of: layer)
        }
        self.layers = layers
        slotByteCount = largest
        expertCount = number
        tableOffset = end
    }

    private static func end(of layer: Layer) throws(ModelError) -> Int {
        let (size, overflows) = layer.expertCount
            .multipliedReportingOverflow(by: layer.extentByteCount)
        guard !overflows, size < largestByteCount - layer.start else {
            throw .unsupported("a model whose experts have more than 2^60 bytes")
        }
        return layer.start + size
    }

    /// More than any disk holds.
    private static let largestByteCount = 1 << 60

    private static func pages(_ byteCount: Int) -> Int {
        (byteCount + pageByteCount - 1) / pageByteCount * pageByteCount
    }

    /// Bytes of the whole file.
    public var byteCount: Int { tableOffset + tableByteCount }

    /// A checksum for each expert, and the one of them all.
    var tableByteCount: Int { (expertCount + 1) * MemoryLayout<UInt64>.size }

    /// Where an expert lies; nil where the model has no such expert.
    public func extent(of id: ExpertID) -> Range<Int>? {
        guard let layer = self.layer(of: id) else { return nil }
        let start = layer.start + id.index * layer.extentByteCount
        return start..<start + layer.extentByteCount
    }

    /// Its place among all experts.
    func number(of id: ExpertID) -> Int? {
        self.layer(of: id).map { $0.firstNumber + id.index }
    }

    /// How the matrices of a layer's experts lie; nil where the layer has none.
    public func places(of layer: LayerIndex) -> MatrixPlaces? {
        layers.indices.contains(layer.rawValue) ? layers[layer.rawValue]?.places : nil
    }

    /// Puts an expert's rows into its pages; what is behind them is filled with zeros.
    ///
    /// - Parameter fill: writes every row of the three matrices.
    /// - Precondition: `extent` has as many bytes as the expert's extent.
    public func fill<Failure: Error>(
        _ extent: inout MutableRawSpan,
        of id: ExpertID,
        _ fill: (WeightWriter) throws(Failure) -> Void
    ) throws(Failure) {
        guard let layer = self.layer(of: id), extent.byteCount == layer.extentByteCount else {
            preconditionFailure("\(extent.byteCount) bytes for \(id)")
        }
        extent.withPart(layer.places.byteCount..<extent.byteCount) { rest in
            for place in rest.byteOffsets {
                rest.storeBytes(of: 0, toByteOffset: place, as: UInt8.self)
            }
        }
        try layer.places.write(into: &extent, fill)
    }

    /// Reads of an expert.
    func blockCount(of id: ExpertID) -> Int {
        ((extent(of: id)?.count ?? 0) + Self.blockByteCount - 1) / Self.blockByteCount
    }

    /// The bytes of a block of an expert, counted from its extent's start.
    func block(_ block: Int, of id: ExpertID) -> Range<Int> {
        let size = extent(of: id)?.count ?? 0
        return min(block * Self.blockByteCount, size)..<min((block + 1) * Self.blockByteCount, size)
    }

    /// What the blocks' checksums add up to, in whichever order they are read.
    static func checksum(of extent: RawSpan) -> UInt64 {
        stride(from: 0, to: extent.byteCount, by: blockByteCount).enumerated()
            .reduce(0) { sum, block in
                let end = min(block.element + blockByteCount, extent.byteCount)
                let bytes = extent.extracting(block.element..<end)
                return sum &+ Checksum.of(bytes, seed: UInt64(block.offset))
            }
    }

    /// The expert that `bytes` hold; nil where the model has no such expert.
    public func weights(of id: ExpertID, in bytes: Bytes) -> FeedForwardWeights? {
        guard let places = self.layer(of: id)?.places else { return nil }
        return FeedForwardWeights(
            gate: places.matrix(0, in: bytes),
            up: places.matrix(1, in: bytes),
            down: places.matrix(2, in: bytes)
        )
    }

    /// Every expert, in the order of the file.
    public var experts: [ExpertID] {
        layers.enumerated().flatMap { index, layer in
            (0..<(layer?.expertCount ?? 0)).map { ExpertID(layer: LayerIndex(index), index: $0) }
        }
    }

    private func layer(of id: ExpertID) -> Layer? {
        guard layers.indices.contains(id.layer.rawValue), let layer = layers[id.layer.rawValue],
            (0..<layer.expertCount).contains(id.index)
        else { return nil }
        return layer
    }
}
