public import GGUF
public import Model
public import Tensors

/// A recipe for a small random model of any known family.
///
/// The same recipe gives the same file, byte for byte. What it generates is noise, but every
/// tensor, key and token that its family has is there.
public struct TinyModel: Equatable, Sendable {
    public var architecture: Architecture
    public var seed: UInt64 = 1
    public var layerCount = 2
    public var hiddenSize = 64
    public var headCount = 4
    public var keyValueHeadCount = 2
    public var keyLength = 32
    public var expertCount = 8
    public var expertsPerToken = 2
    public var expertWidth = 64
    /// Layers with a dense network in place of experts.
    public var denseLayers: Set<Int> = []
    public var denseWidth = 96
    /// Width of the shared expert, where the family has one.
    public var sharedWidth = 32
    public var contextLength = 1024
    /// Of the experts' matrices; F32 or Q8_0, as below.
    public var expertType = ElementType.q8_0
    /// Of all other matrices but the routers.
    public var coreType = ElementType.q8_0

    public init(_ architecture: Architecture = .known[0], seed: UInt64 = 1) {
        self.architecture = architecture
        self.seed = seed
    }

    /// One of each known family.
    public static func ofEachFamily(seed: UInt64) -> [TinyModel] {
        Architecture.known.map { TinyModel($0, seed: seed) }
    }

    /// Metadata and tensors, for a test to spoil before it writes them.
    public func contents() -> TinyModelContents {
        var maker = TinyModelMaker(self)
        return maker.make()
    }

    /// Writes the file.
    public func write(to path: String) throws(GGUFError) {
        try contents().write(to: path)
    }

    /// Writes the file where it is deleted with the value that is returned.
    public func writeTemporary() throws -> TemporaryFile {
        try contents().writeTemporary()
    }
}

/// What a model file will hold.
public struct TinyModelContents: Sendable {
    public struct Tensor: Sendable {
        public var name: String
        public var type: ElementType
        /// The fastest varying one first.
        public var dimensions: [Int]
        public var bytes: [UInt8]

        public init(name: String, type: ElementType, dimensions: [Int], bytes: [UInt8]) {
            self.name = name
            self.type = type
            self.dimensions = dimensions
            self.bytes = bytes
        }

        /// A tensor of zeros.
        public static func zeros(
            _ name: String,
            _ type: ElementType,
            _ dimensions: [Int]
        ) -> Tensor {
            let rows = dimensions.dropFirst().reduce(1, *)
            let count = rows * (type.rowByteCount(columns: dimensions.first ?? 0) ?? 0)
            return Tensor(
                name: name,
                type: type,
                dimensions: dimensions,
                bytes: Array(repeating: 0, count: count)
            )
        }
    }

    public var metadata: GGUFMetadata
    public var tensors: [Tensor] = []

    /// The tensor of that name; setting nil removes it, setting another adds or replaces it.
    public subscript(name: String) -> Tensor? {
        get { tensors.first { $0.name == name } }
        set {
            let place = tensors.firstIndex { $0.name == name }
            switch (place, newValue) {
            case (let place?, let tensor?): tensors[place] = tensor
            case (let place?, nil): tensors.remove(at: place)
            case (nil, let tensor?): tensors.append(tensor)
            case (nil, nil): break
            }
        }
    }

    public func write(to path: String) throws(GGUFError) {
        var writer = GGUFWriter(metadata: metadata)
        for tensor in tensors {
            writer.add(
                tensor.name,
                type: tensor.type,
                dimensions: tensor.dimensions,
                bytes: tensor.bytes
            )
        }
        try writer.write(to: path)
    }

    public func writeTemporary() throws -> TemporaryFile {
        let file = try TemporaryFile("tiny.gguf")
        try write(to: file.path)
        return file
    }
}
