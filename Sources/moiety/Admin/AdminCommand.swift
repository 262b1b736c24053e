import ArgumentParser

struct AdminCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin",
        abstract: "What runs a cluster's insides, while it serves.",
        subcommands: [
            PlanCommand.self, DrainCommand.self, UndrainCommand.self, ProfileCommand.self,
            RebalanceCommand.self,
        ]
    )
}

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Which worker holds which expert.",
        subcommands: [
            ShowPlanCommand.self, ApplyPlanCommand.self, PlanHistoryCommand.self,
        ]
    )
}
