import Experts
import Foundation
import Inference
import Kernels
import Model
import Placement
import Terminal

/// A whole model in this process: the core's weights and every expert.
enum LocalModel {
    /// Loads everything, with a progress line; the calling thread is the one that computes.
    ///
    /// With a plan file, experts are summed worker by worker as it says.
    static func load(
        _ model: ModelFile,
        threads: ComputeThreads,
        planPath: String? = nil,
        cacheFormat: CacheFormat = .f16
    ) throws -> ForwardPass {
        let owners = try planPath.map { try Self.owners(in: $0, of: model.description) } ?? []
        let kernels = Kernels(
            instructionSet: try .chosen(environment: ProcessInfo.processInfo.environment),
            threads: threads
        )
        let held = try experts(of: model, threadCount: threads.count)
        // Not before: threads that the calling one starts would stay on its CPU.
        defer { kernels.pool.bindCaller() }
        return ForwardPass(
            model: model.description,
            weights: try CoreWeights(
                from: WeightReader(model: model, threadCount: threads.count)
            ),
            kernels: kernels,
            experts: LocalRunner(held: held, kernels: kernels, owners: owners),
            // One sequence at a time, of any length that can be asked for.
            cache: CacheLimits(positions: 1 << 20, format: cacheFormat)
        )
    }

    private static func experts(of model: ModelFile, threadCount: Int) throws -> HeldExperts {
        let expertCounts = model.description.expertCounts
        let ids = expertCounts.enumerated().flatMap { layer, count in
            (0..<count).map { ExpertID(layer: LayerIndex(layer), index: $0) }
        }
        let loader = ExpertLoader(model: model, threadCount: threadCount)
        let weights = try loader.load(
            ids,
            progress: { progress in
                let bar = Format.bar(progress.loadedByteCount, of: progress.totalByteCount)
                Console.progress("loading \(bar)")
            }
        )
        var held = HeldExperts(expertCounts: expertCounts)
        for (id, expert) in zip(ids, weights) { held.insert(expert, as: id) }
        return held
    }

    /// `[layer][expert]`: the worker that a plan file gives each expert to.
    private static func owners(
        in path: String,
        of model: ModelDescription
    ) throws -> [[Int]] {
        let plan = try InputFile.plan(path) { plan throws(PlanError) in
            try plan.validate(expertCounts: model.expertCounts)
            try plan.requireWholeExperts()
        }
        return plan.layers.map { layer in layer.compactMap { $0.workers.first } }
    }
}
