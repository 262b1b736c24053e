import ArgumentParser

struct AdminCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin",
        abstract: "What runs a cluster's insides, while it serves.",
        subcommands: [ProfileCommand.self]
    )
}
