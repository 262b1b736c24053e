/// The ways to make a plan, by the names that commands know them by.
public enum PlacementSolver: String, CaseIterable, Sendable {
    case contiguous
    case balanced
    case moetuner
    case moiety
}

extension PlacementSolver {
    /// Makes a plan; the same problem and effort give the same one, unless a program was stopped by
    /// its time limit.
    ///
    /// - Parameter programs: solves what `moetuner` cannot settle itself; nil leaves it be.
    public func solve(
        _ problem: PlacementProblem,
        effort: SolverEffort,
        moetuner options: MoetunerOptions = MoetunerOptions(),
        programs: (any IntegerProgramSolver)? = nil
    ) -> PlacementSolution {
        switch self {
        case .contiguous:
            return ContiguousSolver(problem: problem).solve()
        case .balanced:
            return BalancedSolver(problem: problem).solve()
        case .moetuner:
            return MoetunerSolver(problem: problem, options: options, programs: programs).solve()
        case .moiety:
            let starts = [
                ContiguousSolver(problem: problem).solve().plan,
                BalancedSolver(problem: problem, copies: false).solve().plan,
                MoetunerSolver(problem: problem, options: options).solve().plan,
            ]
            return MoietySolver(problem: problem, effort: effort, starts: starts).solve()
        }
    }
}
