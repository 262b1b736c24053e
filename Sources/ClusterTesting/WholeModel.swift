public import Experts
public import Foundation
public import Inference
public import Kernels
public import Model

/// A model with all of its experts in this process.
public struct WholeModel: Sendable {
    public let file: ModelFile
    public let weights: CoreWeights
    public let held: HeldExperts

    public var description: ModelDescription { file.description }

    public init(path: String) throws(ModelError) {
        try self.init(ModelFile(path: path))
    }

    public init(_ file: ModelFile) throws(ModelError) {
        self.file = file
        weights = try CoreWeights(from: file)
        let ids = file.description.expertCounts.enumerated().flatMap { layer, count in
            (0..<count).map { ExpertID(layer: LayerIndex(layer), index: $0) }
        }
        var held = HeldExperts(expertCounts: file.description.expertCounts)
        let experts = try ExpertLoader(model: file, threadCount: 1).load(ids)
        for (id, expert) in zip(ids, experts) { held.insert(expert, as: id) }
        self.held = held
    }

    /// A forward pass with kernels of its own.
    ///
    /// - Parameter owners: `[layer][expert]`, in how many parts the experts are summed.
    public func forward(
        _ instructionSet: InstructionSet = .detected,
        threadCount: Int = 1,
        owners: [[Int]] = [],
        microBatches: Int = 1,
        cache: CacheLimits = CacheLimits()
    ) -> ForwardPass {
        let kernels = Kernels(instructionSet: instructionSet, threadCount: threadCount)
        let runner = LocalRunner(owners: split(among: owners), kernels: kernels)
        return forward(
            kernels: kernels,
            experts: runner,
            microBatches: microBatches,
            cache: cache
        )
    }

    /// A forward pass whose experts are summed from slices of them, owner by owner.
    ///
    /// - Parameter shards: `[owner]`, dimensions of every expert; together all of them.
    public func forward(
        shards: [Range<Int>],
        _ instructionSet: InstructionSet = .detected,
        threadCount: Int = 1
    ) throws(ModelError) -> ForwardPass {
        let loader = ExpertLoader(model: file, threadCount: 1)
        var owners: [HeldExperts] = []
        for dimensions in shards {
            var owner = HeldExperts(expertCounts: description.expertCounts)
            let slices = held.all.map { ExpertSlice($0, dimensions: dimensions) }
            for (slice, weights) in zip(slices, try loader.load(slices)) {
                owner.insert(weights, as: slice.expert)
            }
            owners.append(owner)
        }
        let kernels = Kernels(instructionSet: instructionSet, threadCount: threadCount)
        return forward(kernels: kernels, experts: LocalRunner(owners: owners, kernels: kernels))
    }

    private func split(among owners: [[Int]]) -> [HeldExperts] {
        guard let most = owners.lazy.flatMap({ $0 }).max() else { return [held] }
        let none = HeldExperts(expertCounts: file.description.expertCounts)
        var parts = Array(repeating: none, count: most + 1)
        for id in held.all {
            guard let expert = held[id] else { continue }
            parts[owners[id.layer.rawValue][id.index]].insert(expert, as: id)
        }
        return parts
    }

    /// A forward pass with experts computed elsewhere.
    public func forward(
        kernels: Kernels,
        experts: any ExpertRunner,
        microBatches: Int = 1,
        cache: CacheLimits = CacheLimits()
    ) -> ForwardPass {
        ForwardPass(
            model: file.description,
            weights: weights,
            kernels: kernels,
            experts: experts,
            microBatches: microBatches,
            cache: cache
        )
    }

    /// The demo model of the repository, read once.
    public static var demo: WholeModel {
        get throws { try sharedDemo.get() }
    }

    public static let demoPath =
        repository.appending(path: "Models/moiety-demo-q8_0.gguf").path

    /// The directory that holds `Sources` and `Tests`.
    public static let repository = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static let sharedDemo = Result { try WholeModel(path: demoPath) }
}

extension TinyModelContents {
    /// Writes and opens the file; it stays open when its name is gone.
    public func modelFile() throws -> ModelFile {
        let file = try writeTemporary()
        return try withExtendedLifetime(file) { try ModelFile(path: file.path) }
    }

    public func wholeModel() throws -> WholeModel { try WholeModel(modelFile()) }
}

extension TinyModel {
    public func modelFile() throws -> ModelFile { try contents().modelFile() }
    public func wholeModel() throws -> WholeModel { try contents().wholeModel() }
}
