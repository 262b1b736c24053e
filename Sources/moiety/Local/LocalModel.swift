import Experts
import Foundation
import Inference
import Kernels
import Model
import Placement
import Terminal

/// A whole model in this process: the core's weights and every expert, in memory or within reach.
enum LocalModel {
    /// Loads everything, with a progress line; the calling thread is the one that computes.
    ///
    /// With a plan file, experts are summed worker by worker as it says: whole ones to the same
    /// bits as without it, shards to the same bits whenever they are cut alike.
    static func load(
        _ model: ModelFile,
        threads: ComputeThreads,
        planPath: String? = nil,
        cacheFormat: CacheFormat = .f16
    ) throws -> ForwardPass {
        let parts = try planPath.map { try Self.parts(in: $0, of: model.description) }
        let kernels = Kernels(
            instructionSet: try .chosen(environment: ProcessInfo.processInfo.environment),
            threads: threads
        )
        let owners = try load(
            parts ?? [wholeExperts(of: model.description)],
            of: model,
            threadCount: threads.count
        )
        // Not before: threads that the calling one starts would stay on its CPU.
        defer { kernels.pool.bindCaller() }
        return ForwardPass(
            model: model.description,
            weights: try CoreWeights(
                from: WeightReader(model: model, threadCount: threads.count)
            ),
            kernels: kernels,
            experts: LocalRunner(owners: owners, kernels: kernels),
            // One sequence at a time, of any length that can be asked for.
            cache: CacheLimits(positions: 1 << 20, format: cacheFormat)
        )
    }

    /// Loads what fits into a memory budget; experts that do not are read when they are chosen.
    ///
    /// - Parameters:
    ///   - positions: of the one sequence there will be.
    ///   - rows: of a step, at most.
    ///   - logitRows: of these, the ones that want logits.
    static func load(
        _ model: ModelFile,
        threads: ComputeThreads,
        budget: MemoryAllowance,
        positions: Int,
        rows: Int,
        logitRows: Int = 1,
        cacheFormat: CacheFormat = .f16
    ) throws -> ForwardPass {
        let kernels = Kernels(
            instructionSet: try .chosen(environment: ProcessInfo.processInfo.environment),
            threads: threads
        )
        let weights = try CoreWeights(
            from: WeightReader(model: model, threadCount: threads.count)
        )
        let working = WorkingMemory(
            model.description,
            positions: [positions],
            rows: rows,
            logitRows: logitRows,
            threadCount: threads.count,
            format: cacheFormat
        )
        let residence = ExpertResidence(
            model,
            cache: budget.cache,
            kernels: kernels,
            options: budget.options,
            lossy: budget.lossy
        )
        let experts = try residence.runner(
            budget: budget.byteCount,
            fixed: ExpertResidence.fixedByteCount(working: working.byteCount),
            progress: { share in
                Console.progress("experts: \(Format.fixed(share * 100, digits: 0)) %")
            },
            onTrouble: TroubleNotes().note
        )
        // Not before: threads that the calling one starts would stay on its CPU.
        defer { kernels.pool.bindCaller() }
        return ForwardPass(
            model: model.description,
            weights: weights,
            kernels: kernels,
            experts: experts,
            cache: CacheLimits(positions: positions, format: cacheFormat)
        )
    }

    /// The same model, exact, beside it, with the least memory for its experts that does.
    ///
    /// What is exact does not depend on how much is in memory.
    ///
    /// - Parameters: as those that `lossy` was loaded with.
    static func exactTwin(
        of lossy: ForwardPass,
        _ model: ModelFile,
        budget: MemoryAllowance,
        positions: Int,
        rows: Int,
        cacheFormat: CacheFormat
    ) throws -> ForwardPass {
        let working = WorkingMemory(
            model.description,
            positions: [positions],
            rows: rows,
            logitRows: rows,
            threadCount: lossy.kernels.threadCount,
            format: cacheFormat
        )
        let fixed = ExpertResidence.fixedByteCount(working: working.byteCount)
        let residence = ExpertResidence(
            model,
            cache: budget.cache,
            kernels: lossy.kernels,
            options: budget.options
        )
        let experts = try residence.runner(
            budget: MemoryPlan.Needs(model, fixed: fixed).least,
            fixed: fixed,
            progress: { share in
                Console.progress("exact experts: \(Format.fixed(share * 100, digits: 0)) %")
            },
            onTrouble: TroubleNotes().note
        )
        return lossy.twin(
            experts: experts,
            cache: CacheLimits(positions: positions, format: cacheFormat)
        )
    }

    private static func wholeExperts(of model: ModelDescription) -> [ExpertSlice] {
        model.expertCounts.enumerated().flatMap { layer, count in
            (0..<count).map { ExpertSlice(ExpertID(layer: LayerIndex(layer), index: $0)) }
        }
    }

    /// - Parameter parts: `[owner]`
    private static func load(
        _ parts: [[ExpertSlice]],
        of model: ModelFile,
        threadCount: Int
    ) throws -> [HeldExperts] {
        let loader = ExpertLoader(model: model, threadCount: threadCount)
        let weights = try loader.load(
            parts.flatMap { $0 },
            progress: { progress in
                let bar = Format.bar(progress.loadedByteCount, of: progress.totalByteCount)
                Console.progress("loading \(bar)")
            }
        )
        var rest = weights[...]
        return parts.map { parts in
            var held = HeldExperts(expertCounts: model.description.expertCounts)
            for part in parts {
                guard let weights = rest.popFirst() else { break }
                held.insert(weights, as: part.expert)
            }
            return held
        }
    }

    /// `[worker]`: what a plan file gives each, an expert with several copies to the first of them.
    private static func parts(
        in path: String,
        of model: ModelDescription
    ) throws -> [[ExpertSlice]] {
        let plan = try InputFile.plan(path) { plan throws(PlanError) in
            try plan.validate(expertCounts: model.expertCounts, expertWidth: model.expertWidth)
        }
        return plan.workers.indices.map { worker in
            plan.slices(of: worker).filter { part in
                let entry = plan.layers[part.expert.layer.rawValue][part.expert.index]
                return part.dimensions != nil || entry.workers.first == worker
            }
        }
    }
}

/// Tells what makes experts slower; of many that could not be read, the first one.
private final class TroubleNotes {
    private var isTold = false

    func note(_ trouble: ExpertResidence.Trouble) {
        switch trouble {
        case .packing, .cached, .shortRows, .notLarger: break
        case .noStore, .fallback:
            guard !isTold else { return }
            isTold = true
        }
        Console.note("moiety: \(trouble)")
    }
}
