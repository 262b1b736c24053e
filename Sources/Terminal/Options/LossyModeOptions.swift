public import ArgumentParser
public import Model

/// How accuracy is given for speed where experts do not fit into memory.
public struct LossyModeOptions: ParsableArguments {
    @Option(
        help: """
            Trade accuracy for speed where experts do not fit: \
            \(Self.modes). Each answer says how inexact it is. Default: answers stay exact.
            """
    )
    public var lossy: LossyName?

    @Option(
        help: """
            In how many bits experts are held then; with \(LowTierChoice.without.name) \
            \(LossyKind.hobbit.name) reads as in the file what it does not leave out. Default: \
            \(LowTierChoice.usual.name), or as workers' settings have it.
            """
    )
    public var lowTier: LowTierChoice?

    public init() {}

    private static let modes = LossyName.all.map { "\($0.name) \(words($0))" }
        .joined(separator: "; ")

    private static func words(_ name: LossyName) -> String {
        switch name {
        case .tiers(.hobbit): "reads those that weigh little in fewer bits, or not at all"
        case .tiers(.resident): "keeps all of them in memory in fewer bits, and never waits"
        case .emoe:
            "keeps those that the task uses most, and takes no others (in one process only)"
        }
    }

    public func validate() throws {
        guard let lowTier else { return }
        guard let kind = lossy?.kind else {
            guard lowTier != .without else { return }
            throw ValidationError("--low-tier is for --lossy \(LossyKind.names)")
        }
        guard lowTier != .without || !kind.needsLowTier else {
            throw ValidationError("--lossy \(kind.name) needs a low tier: \(LowTier.names)")
        }
    }

    /// Refuses to give accuracy for what fits anyway.
    public func requireMemory(_ memory: Int?) throws {
        guard lossy == nil || memory != nil else {
            throw ValidationError("--lossy is for experts that do not fit; say how much --memory")
        }
    }

    /// The low tier that experts have by what is said here; nil where they have none.
    public var tier: LowTier? { lossy?.kind == nil ? nil : (lowTier ?? .usual).tier }
}

extension LossyName: ExpressibleByArgument {
    public init?(argument: String) { self.init(name: argument) }

    public static var allValueStrings: [String] { all.map(\.name) }
}

extension LowTierChoice: ExpressibleByArgument {
    public init?(argument: String) { self.init(name: argument) }

    public static var allValueStrings: [String] { all.map(\.name) }
}
