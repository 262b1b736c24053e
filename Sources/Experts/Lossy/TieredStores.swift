import Caching
import ExpertStore
public import Kernels
public import Model
public import Storage

/// A model's experts on disk in two tiers, for a process that is told which of them it computes.
///
/// Any thread may make it; `hobbit` and `resident` compute with it.
public struct TieredStores: Sendable {
    public let budget: TierBudget
    /// Nil where memory is for the low tier alone.
    private let high: StoredExperts?
    /// Nil where nothing is held in fewer bits.
    private let low: StoredExperts?

    /// Opens the packed experts of a model in both tiers, or makes them.
    ///
    /// - Parameters:
    ///   - expertCount: those that are computed at first.
    ///   - cache: where packed experts are kept.
    ///   - isCancelled: asked before each expert is packed.
    ///   - onMaking: as `StoreMaker` has it.
    ///   - onCached: as `StoredExperts` has it.
    ///   - onTrouble: told why there is no store of a tier.
    /// - Throws: where the budget is too small, and what reading the model throws.
    public init(
        _ model: ModelFile,
        within budget: TierBudget,
        expertCount: Int,
        cache: ExpertCache,
        isCancelled: () -> Bool,
        onMaking: (_ byteCount: Int, _ path: String) -> Void = { _, _ in },
        onCached: (_ path: String) -> Void = { _ in },
        onTrouble: (String) -> Void
    ) throws(TieredStoresError) {
        self.budget = budget
        let slots: SlotCounts
        do throws(MemoryPlanError) {
            slots = try budget.slots(expertCount: expertCount)
        } catch {
            throw .budget(error)
        }
        let isResident = budget.isResident
        do throws(ModelError) {
            low =
                try budget.options.tier == nil
                ? nil
                : StoredExperts(
                    model,
                    tier: budget.options.tier,
                    cache: cache,
                    // Those that are to stay have memory of their own.
                    slotCount: isResident ? 1 : slots.low,
                    mostAtOnce: budget.mostLow,
                    isCancelled: isCancelled,
                    onMaking: onMaking,
                    onCached: onCached,
                    onTrouble: { onTrouble("\($0)") }
                )
            // As many as ever: which part of them is used changes with what is computed.
            let highCount = isResident ? budget.mostHigh : slots.high
            high =
                try highCount == 0
                ? nil
                : StoredExperts(
                    model,
                    cache: cache,
                    slotCount: highCount,
                    isCancelled: isCancelled,
                    onMaking: onMaking,
                    onCached: onCached,
                    onTrouble: { onTrouble("\($0)") }
                )
        } catch {
            throw .model(error)
        }
    }

    /// Reads an expert in the low tier, where that is to stay in memory; nil where it is not.
    ///
    /// - Parameter onTrouble: told why it could not come from where it was looked for first.
    public func lowered(
        _ id: ExpertID,
        onTrouble: (String) -> Void
    ) throws(ModelError) -> HeldExpert? {
        guard budget.isResident, let low else { return nil }
        return low.held(try low.load(id, onTrouble: { onTrouble("\($0)") }), as: id)
    }

    /// - Parameters:
    ///   - cpus: where the threads may run that read.
    ///   - onTrouble: told why an expert had to come from the model file.
    public func experts(
        kernels: Kernels,
        cpus: [Int],
        onTrouble: @escaping (String) -> Void
    ) -> TieredArithmetic {
        guard !budget.isResident, let high else {
            let hot = self.high.map { stored in
                HotExperts(stored, cpus: cpus, onTrouble: { onTrouble("\($0)") })
            }
            return .resident(TieredExperts(hot: hot, kernels: kernels))
        }
        func slotted(_ stored: StoredExperts) -> SlottedExperts {
            SlottedExperts(
                stored,
                options: ResidencyOptions(),
                kernels: kernels,
                cpus: cpus,
                onTrouble: { onTrouble("\($0)") }
            )
        }
        return .hobbit(
            HobbitExperts(
                high: slotted(high),
                low: low.map(slotted),
                isLowered: low?.isLowered ?? [],
                kernels: kernels
            )
        )
    }
}

/// Arithmetic of experts in two tiers.
public enum TieredArithmetic {
    case hobbit(HobbitExperts)
    case resident(TieredExperts)
}

/// Why there are no experts in two tiers.
public enum TieredStoresError: Error {
    case budget(MemoryPlanError)
    case model(ModelError)
}
