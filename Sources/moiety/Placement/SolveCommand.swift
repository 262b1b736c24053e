import ArgumentParser
import Foundation
import Placement
import Settings
import Solving
import Terminal

struct SolveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "solve",
        abstract: "Make a plan from a profile: which worker holds which expert.",
        discussion: """
            docs/PLACEMENT.md describes the files, the solvers and what each one minimises; \
            Config/workers.yaml shows how to describe workers.
            """
    )

    @Option(help: "A profile, as the coordinator counts it.")
    var profile: String

    @Option(help: "Steps to plan by; without it, some are drawn from the profile.")
    var trace: String?

    @Option(help: "How many equal workers, or a file that describes them.")
    var workers: String

    @Option(help: "One of \(Self.solvers).", transform: Self.solver)
    var solver = PlacementSolver.moiety

    @Option(help: "Seconds to search for, roughly.")
    var timeLimit = 60.0

    @Option(help: "moetuner's clusters: of free or fixed sizes.", transform: Self.cardinality)
    var cardinality = MoetunerOptions.Cardinality.free

    @Option(help: "Rows of the steps that are drawn from the profile.")
    var rows = 8

    @Option(help: "Write the plan to this file, too.")
    var plan: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    private static let solvers = PlacementSolver.allCases.map(\.rawValue).joined(separator: ", ")

    private static func solver(_ name: String) throws -> PlacementSolver {
        guard let solver = PlacementSolver(rawValue: name) else {
            throw ValidationError("--solver is '\(name)'; it must be one of \(solvers)")
        }
        return solver
    }

    private static func cardinality(_ name: String) throws -> MoetunerOptions.Cardinality {
        guard let cardinality = MoetunerOptions.Cardinality(rawValue: name) else {
            throw ValidationError("--cardinality is '\(name)'; it must be free or fixed")
        }
        return cardinality
    }

    func validate() throws {
        guard timeLimit >= 0, timeLimit <= 86_400 else {
            throw ValidationError("--time-limit is \(timeLimit); it must be 0 to 86400")
        }
        guard (1...65_536).contains(rows) else {
            throw ValidationError("--rows is \(rows); it must be 1 to 65536")
        }
    }

    func run() async throws {
        try await CommandFailure.report {
            let file = try workersFile()
            let problem = try problem(file)
            var options = MoetunerOptions()
            options.cardinality = cardinality
            options.betweenHosts = file?.betweenHosts
            options.limits.seconds = timeLimit
            let start = ContinuousClock.now
            let effort = SolverEffort(seconds: timeLimit)
            let solution = solver.solve(
                problem,
                effort: effort,
                moetuner: options,
                programs: SolverProcess()
            )
            let report = SolveReport(
                solution,
                problem: problem,
                seconds: (ContinuousClock.now - start) / .seconds(1)
            )
            for note in solution.notes { Console.note("moiety: \(note)") }
            if let plan { try write(solution.plan, to: plan) }
            guard !json else { return try Console.writeJSON(report) }
            Console.write(report.text)
        }
    }

    private func problem(_ file: WorkersFile?) throws -> PlacementProblem {
        let profile = try InputFile.profile(profile)
        let trace = try trace.map(InputFile.trace)
        let bytes = file?.expertByteCount
        let equal = file == nil ? try equalWorkers() : []
        do throws(PlacementError) {
            return try PlacementProblem(
                profile: profile,
                workers: file?.workers ?? equal,
                costs: file?.costs ?? CostModel(),
                expertByteCounts: bytes.map { bytes in
                    profile.expertCounts.map { $0 > 0 ? bytes : 0 }
                },
                trace: trace,
                rowsPerStep: rows
            )
        } catch {
            throw CommandFailure("\(error)", code: CommandFailure.dataError)
        }
    }

    private func workersFile() throws -> WorkersFile? {
        guard Int(workers) == nil else { return nil }
        return try WorkersFile(path: workers)
    }

    private func equalWorkers() throws -> [WorkerDescription] {
        let count = Int(workers) ?? 0
        let limit = Plan.Limits().workers
        guard (1...limit).contains(count) else {
            throw ValidationError("--workers is \(count); it must be 1 to \(limit), or a file")
        }
        return WorkerDescription.equal(count)
    }

    private func write(_ plan: Plan, to path: String) throws {
        do {
            try Data(plan.json()).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw CommandFailure("\(path) cannot be written: \(error.localizedDescription)")
        }
    }
}
