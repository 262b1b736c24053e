import Foundation
import Placement
import Solving
import Testing

@Suite("The process that solves integer programs")
struct SolverProcessTests {
    /// Where the tests' own executable lies, and so do the others.
    private static let directory = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent()

    /// The least x + y with 2x + 3y >= 7, both whole: 3, of which 7/3 is no solution.
    private static let program = IntegerProgram(
        columns: [
            .init(cost: 1, lower: 0, upper: 10, isWhole: true, start: 10),
            .init(cost: 1, lower: 0, upper: 10, isWhole: true, start: 10),
        ],
        rows: [.init(lower: 7, upper: .greatestFiniteMagnitude, terms: [.init(0, 2), .init(1, 3)])]
    )

    /// Of time, more than any machine needs.
    private static var limits: IntegerProgramLimits {
        var limits = IntegerProgramLimits()
        limits.seconds = 600
        return limits
    }

    @Test("answers with the best values and a bound")
    func solves() throws {
        let answer = SolverProcess(in: Self.directory).solve(Self.program, limits: Self.limits)
        guard case .solution(let values, let bound) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(values.reduce(0, +).rounded() == 3)
        #expect(bound > 2.3 && bound <= 3.000_001)
    }

    @Test("that is missing, was cancelled or is given no memory is a reason, not an error")
    func reasons() {
        let missing = SolverProcess(in: URL(filePath: "/nonexistent"))
        let cancelled = SolverProcess(in: Self.directory)
        cancelled.cancel()
        var small = IntegerProgramLimits()
        small.byteCount = 1 << 20
        for (solver, limits) in [
            (missing, IntegerProgramLimits()), (cancelled, IntegerProgramLimits()),
            (SolverProcess(in: Self.directory), small),
        ] {
            guard case .none(let reason) = solver.solve(Self.program, limits: limits) else {
                Issue.record("solved")
                continue
            }
            #expect(!reason.isEmpty)
        }
    }

    @Test("that answers garbage is not believed")
    func garbage() {
        let wrong: [[UInt8]] = [
            [], [1, 2, 3], Array(repeating: 0, count: 24), Array(repeating: 0xFF, count: 24),
            Array(repeating: 0, count: 4096),
        ]
        for bytes in wrong {
            guard case .none = IntegerProgramAnswer(bytes: bytes, to: Self.program) else {
                Issue.record("\(bytes) was believed")
                continue
            }
        }
    }

    @Test("reads the program that was written, and nothing that is cut off")
    func bytes() {
        let bytes = Self.program.bytes()
        #expect(IntegerProgram(bytes: bytes) == Self.program)
        for count in 0..<bytes.count {
            #expect(IntegerProgram(bytes: Array(bytes.prefix(count))) == nil)
        }
    }

    @Test("closes the gap that packing leaves, and its bound is true")
    func clusters() throws {
        // Twelve experts of three weights: packing cannot prove that 4 is the best there is.
        let rows = [9.0, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 4]
        let profile = Profile(rows: 100, topK: 1, layers: [.init(activations: rows)])
        let problem = try PlacementProblem(profile: profile, workers: WorkerDescription.equal(2))
        let alone = PlacementSolver.moetuner.solve(problem, effort: SolverEffort())
        var options = MoetunerOptions()
        options.limits = Self.limits
        let helped = PlacementSolver.moetuner.solve(
            problem,
            effort: SolverEffort(),
            moetuner: options,
            programs: SolverProcess(in: Self.directory)
        )
        #expect(helped.notes == [])
        #expect(helped.objective <= alone.objective)
        #expect(helped.lowerBound >= alone.lowerBound)
        #expect(helped.gap < 0.01)
    }
}
