public import ArgumentParser
public import Caching
public import Experts
import Model
import Settings
import Storage

/// How much memory a process that computes may have, and what becomes of experts that do not fit.
public struct MemoryBudgetOptions: ParsableArguments {
    @Option(
        help: """
            Memory that this process may take, like 4GiB. Experts that do not fit are read from \
            disk when they are chosen; the answer stays the same. Default: what it needs.
            """,
        transform: Self.size
    )
    public var memory: Int?

    @OptionGroup public var mode: LossyModeOptions

    @Option(
        help: """
            How much columns of experts' matrices matter, for rounding them to fewer bits: a file \
            of moiety-bench importance.
            """
    )
    public var importance: String?

    @OptionGroup public var place: PackedExpertsOptions

    public init() {}

    public func validate() throws {
        try mode.requireMemory(memory)
        guard importance == nil || mode.tier != nil else {
            throw ValidationError(
                "--importance is for --lossy \(LossyKind.names) with a low tier"
            )
        }
    }

    /// - Parameters:
    ///   - options: what reads go by.
    ///   - thresholds: of hobbit.
    ///   - lowShare: of hobbit.
    ///   - emoe: of emoe.
    /// - Returns: nil where nothing is limited.
    public func allowance(
        options: ResidencyOptions = ResidencyOptions(),
        thresholds: LoadThresholds = LoadThresholds(),
        lowShare: Double = TierOptions.usualLowShare,
        emoe: EmoeOptions = EmoeOptions()
    ) throws -> MemoryAllowance? {
        guard let memory else { return nil }
        let lossy = mode.lossy.map {
            LossyOptions(
                $0,
                tier: mode.tier,
                thresholds: thresholds,
                lowShare: lowShare,
                importance: importance,
                emoe: emoe
            )
        }
        return MemoryAllowance(
            byteCount: memory,
            cache: try place.cache(),
            options: options,
            lossy: lossy
        )
    }

    /// What `--memory` says, here and where it is for several processes.
    public static func size(_ text: String) throws -> Int {
        guard let size = ByteCountText.byteCount(of: text), size > 0 else {
            throw ValidationError("--memory is '\(text)'; it must be like 4GiB or 500MB")
        }
        return size
    }
}
