package import Generation
package import Model
package import Placement
package import Wire

/// What there is to know of a coordinator and its cluster at one moment.
package struct Inspection: Sendable {
    package var status: StatusReport
    package var nodes: [NodeReport]
    package var jobs: [JobReport]
    package var figures: JobFigures
    /// Memory for keys and values.
    package var engine: EngineFigures
    /// In which precision rows used experts, where workers may be lossy.
    package var expertUses: TierUses
    package var stepFallBacks: StepFallBacks
    /// What became of the routers' counts between this life and others.
    package var counts: CountsFigures
    package var costs: ClusterCosts
    package var plan: Plan?
    /// How often each expert was chosen lately, as far as it was asked before; `[layer][expert]`.
    package var loads: [[Double]]
}
