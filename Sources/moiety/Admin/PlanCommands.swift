import ArgumentParser
import Placement
import Terminal
import Wire

struct ShowPlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Prints the plan in force, as a plan file."
    )

    @OptionGroup var coordinator: CoordinatorOptions

    func run() async throws {
        try await CommandFailure.report {
            let plan = try coordinator.connect().planInForce()
            guard !plan.json.isEmpty else {
                throw CommandFailure(
                    "there is no plan yet: the cluster waits for its workers",
                    code: CommandFailure.unreachable
                )
            }
            Console.write(plan.json)
        }
    }
}

struct ApplyPlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Changes to the plan of a file, while jobs go on.",
        discussion: """
            Workers load what they lack, in stages that each fit their memory; what they need no \
            longer they drop once no step uses it. The plan's epoch is not looked at. Workers \
            that only the new plan names may join from now on; those that it does not name are \
            asked to leave at the end.
            """
    )

    @OptionGroup var coordinator: CoordinatorOptions
    @OptionGroup var change: ChangeOptions

    @Argument(help: "A plan file.")
    var file: String

    func run() async throws {
        try await CommandFailure.report {
            let goal = try InputFile.plan(file)
            let wish = ChangePlan(
                json: String(decoding: goal.json(), as: UTF8.self),
                bandwidth: change.bandwidth?.bytesPerSecond ?? 0
            )
            try await change.carryOut(.changePlan(wish), at: coordinator.connect())
        }
    }
}
